"""Whether an answer is complete: by its finish_reason."""

from __future__ import annotations

import logging

from transforms.elements import reasons
from transforms.elements.failures import FailureKind
from transforms.elements.finish_reasons import NEARLY, Ending, ending_of, is_context_full
from transforms.elements.replies import TeacherReply
from transforms.prompts.base import AnswerRejected
from transforms.prompts.repetition import looped_end

_LOG = logging.getLogger(__name__)
_unknown: set[str] = set()
"""Words that this process has warned about."""


def whole_text(reply: TeacherReply, max_new_tokens: int | None) -> str:
    """The text of a reply that says it is complete. Raises AnswerRejected for an incomplete or empty reply.

    ``max_new_tokens``: the run's limit, None if unknown; a reply to a request with another limit has its own.
    """
    ending = ending_of(reply.finish_reason)
    word = f"finish_reason {reply.finish_reason!r}"
    if ending is Ending.TOOL_CALLS or (ending is Ending.COMPLETE and reply.wants_tools):
        said = f"; beside it, it says {_start_of(reply.content)}" if reply.content and reply.content.strip() else ""
        raise AnswerRejected(reasons.WANTS_TOOL, f"the teacher wants to call a tool instead of answering ({word}); no tool was offered{said}")
    if reply.refusal is not None:  # some gateways repeat it, or a paraphrase, as the content
        raise AnswerRejected(reasons.CONTENT_FILTERED, f"the teacher refused to answer: {_start_of(reply.refusal)}")
    if ending is Ending.COMPLETE:
        if not (reply.content or "").strip() and (reply.reasoning or "").strip():
            raise AnswerRejected(reasons.EMPTY_ANSWER, _all_thinking(reply.reasoning or ""))
        if reply.content is None:
            raise AnswerRejected(reasons.EMPTY_ANSWER, "the teacher sent no content")
        return reply.content
    if ending is Ending.CUT_OFF:
        looped = looped_end(reply.content or reply.reasoning or "")
        if looped is not None:
            raise AnswerRejected(reasons.REPEATS_ITSELF, _how_it_looped(reply, looped))
        raise AnswerRejected(reasons.CUT_OFF_BY_LENGTH, _how_it_was_cut(reply, reply.token_limit or max_new_tokens))
    if ending is Ending.FILTERED:
        raise AnswerRejected(reasons.CONTENT_FILTERED, f"the endpoint's content filter withheld the answer ({word})")
    if ending is Ending.REPETITION:
        raise AnswerRejected(reasons.REPEATS_ITSELF, f"the server stopped the answer because it repeated itself ({word})")
    if ending is Ending.BROKEN_OFF:
        raise AnswerRejected(FailureKind.BROKEN_OFF.value, f"the server broke the answer off ({word})")
    _warn_once(str(reply.finish_reason))
    raise AnswerRejected(
        reasons.UNKNOWN_FINISH_REASON, f"{word} is not a known word for a complete answer, so the answer may not be whole; it is left out"
    )


def _all_thinking(reasoning: str) -> str:
    return (
        "the reply is all thinking, with no text for an answer: the teacher stopped before it answered, or the server's reasoning parser took "
        f"the answer for thinking (look at that parser, or turn thinking off with extra_body); it ends {reasoning.strip()[-200:]!r}"
    )


def _start_of(text: str) -> str:
    return repr(text.strip()[:200])


def _how_it_was_cut(reply: TeacherReply, max_new_tokens: int | None) -> str:
    written = reply.completion_tokens
    cut_off = f"the answer was cut off after {written or 'the allowed number of'} tokens"
    if is_context_full(reply.finish_reason):
        return f"{cut_off}: prompt and answer fill the model's context; shorten the row, or serve the model with a longer context"
    if written and max_new_tokens and written < max_new_tokens * NEARLY:
        whole = f" of {reply.prompt_tokens + written} tokens" if reply.prompt_tokens else ""
        return (
            f"{cut_off}, below teacher_model_max_new_tokens ({max_new_tokens}): prompt and answer fill the model's context{whole}, or the "
            "server has a limit of its own; shorten the row, or serve the model with a longer context"
        )
    if written and max_new_tokens and written * NEARLY > max_new_tokens:
        return f"{cut_off} although teacher_model_max_new_tokens is {max_new_tokens}: the endpoint ignores the limit and has one of its own"
    earlier = f", the limit of the run that asked ({reply.token_limit})" if reply.token_limit else ""
    return f"{cut_off}{earlier}; raise teacher_model_max_new_tokens{' above that' * bool(earlier)}"


def _how_it_looped(reply: TeacherReply, looped: str) -> str:
    what = f"{looped.strip()[:200]!r} again and again" if looped.strip() else "only space and line ends"
    return (
        f"the answer was cut off after {reply.completion_tokens or 'the allowed number of'} tokens, and at its end it says {what}: a higher "
        "teacher_model_max_new_tokens would pay for more of it; try a frequency penalty, another temperature, or look at the model's end mark"
    )


def _warn_once(finish_reason: str) -> None:
    if finish_reason not in _unknown and len(_unknown) < 100:
        _unknown.add(finish_reason)
        _LOG.warning(
            "the endpoint ends answers with finish_reason %r, which is not a known word for a complete answer: they are left out "
            "(unknown_finish_reason)",
            finish_reason[:80],
        )
