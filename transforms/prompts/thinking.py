"""Divides a reply into thinking and answer, by the marks of every family of models.

Marks at the edges are removed. A mark that is only mentioned (in code, in the middle of a sentence, or in the row's own messages)
is text. Unclear replies are rejected: thinking never becomes an answer.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.prompts.base import AnswerRejected


class Spoken(NamedTuple):
    """The thinking before the answer, None if there is none, and the answer."""

    thought: str | None
    text: str


_NAMES = (
    r"(?:\w{1,20}[_:])?think(?:ing)?|thoughts?|reasoning|analysis|reflection|scratchpad|inner_?monologue|internal_?monologue|chain_?of_?thought|cot"
    "|deliberation|antthinking|(?:inner|internal)_?thoughts?|deep_?think(?:ing)?"
)
_PAIRS = tuple(
    (re.compile(begin, re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for begin, end in (
        (rf"<({_NAMES})\s{{0,3}}>", rf"</(?:{_NAMES})\s{{0,3}}>"),  # DeepSeek, Qwen, GLM, Seed, MiniMax, LongCat and most prompts
        (r"\[(THINK|THINKING|REASONING)\]", r"\[/(?:THINK|THINKING|REASONING)\]"),  # Mistral
        (r"◁(think)▷", r"◁/think▷"),  # Kimi
        (r"<\|(START_THINKING)\|>", r"<\|END_THINKING\|>"),  # Cohere
        (r"<\|(begin_of_thought)\|>", r"<\|end_of_thought\|>"),  # OpenThinker, Sky-T1
        (r"<\|(inner_prefix)\|>", r"<\|inner_suffix\|>"),  # Apertus
        (r"<\|?(think|thinking|thought)\|>", r"<\|(?:/|end_(?:of_)?|/?end)?(?:think|thinking|thought)\|>"),
        (r"<\|channel>(thought|analysis)\b", r"<channel\|>"),  # Gemma
        (r"<(unused94)>", r"<unused95>"),  # MedGemma
        (r"(Here(?:'s| is) my thought process):", r"Here(?:'s| is) my response:"),  # Granite
    )
)
_PAIRS_OF_TEXT = tuple(
    (re.compile(begin, re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for begin, end in (
        # Open WebUI, and gateways that write for it
        (r"<details[^<>]{0,80}>\s{0,3}<summary>([^<]{0,40}(?:think|thought|reason)[^<]{0,40})</summary>", r"</details>"),
        (r"(Thinking)\.\.\.\n", r"\.\.\.done thinking\."),  # Ollama's command
    )
)
"""The end marks of these may occur in any text, so they count only after their begin mark."""
_FINAL_CHANNEL = re.compile(r"<\|channel\|>\s*final[^<]{0,40}(?:<\|constrain\|>[^<]{0,20})?<\|message\|>|\bassistantfinal(?=\W|[A-Z0-9]|$)")
_CHANNEL_NAME = re.compile(
    r"(?:<\|(?:end|start)\|>|\bassistant(?=<)|<\|channel\|>\s*\w+|<\|constrain\|>\w*|<\|message\|>)+|^\s*(?:analysis|commentary)|assistant(?:final|analysis|commentary)"
)
_CHANNELS = re.compile(
    r"<\|channel\|>|\A\s*analysis(?=[A-Z]|<\|message\|>)|\A\s*assistant(?:final|analysis|commentary)"
    r"|\A\s*(?:analysis|commentary)(?=[\s\S]*\bassistantfinal)"
)

_TOKEN = r"<[|｜][A-Za-z/][\w▁:.\- ]{1,40}[|｜]>"
_BEGINS = re.compile(
    r"(?:\s*(?:<\|im_start\|>\s*(?:assistant)?|<\|start_header_id\|>\s*assistant\s*<\|end_header_id\|>|<\|start\|>\s*assistant"
    r"|<start_of_turn>\s*model|(?-i:\Aassistant\n\n)|<[|｜](?:assistant|chatbot_token|start_of_turn_token|start_response|begin_of_solution|begin_of_text|bos"
    r"|start_of_role|begin▁of▁sentence)[|｜]>|\[/INST\]|<s>|<bos>))+",
    re.IGNORECASE,
)
_ENDS = re.compile(
    r"(?:\s|<[|｜][\w▁]*(?:end|eos|eot|eom|stop|return|call)[\w▁]*[|｜]>|<[|｜]user[|｜]>|</s>|<eos>|<pad>|<end_of_turn>|<\|pad\|>|\[EOS\]"
    r"|<end_of_utterance>|<\|endofprompt\|>|<\|im_sep\|>)+\Z",
    re.IGNORECASE,
)
_STRAY = re.compile(
    rf"{_TOKEN}|</?(?:start|end)_of_(?:turn|utterance)>|<(?:bos|eos|pad|unk)>|\[/?INST\]|<</?SYS>>|◁/?\w+▷|<unused[0-9]+>|<0x[0-9A-F]{{2}}>"
    rf"|<\|channel>|<channel\|>|<ctrl[0-9]+>|</?(?:\w{{1,20}}[:_])?tool_(?:calls?|response)>|<function=\w+>|\[TOOL_CALLS\]"
)
_LONGEST_RUN_OF_ENDS = 2_000  # characters at the end of a reply that may be end marks

_MOST_MENTIONS = 100
_INVISIBLE = "\ufeff\u200b\u2060 \t\r\n"
"""At the edges of a reply: a byte order mark and spaces without width are not text."""

_WRAPPED = re.compile(r"<(answer|final_answer|final|response|output|solution|result|label)>", re.IGNORECASE)


def spoken(text: str, asked: tuple[ChatMessage, ...] = ()) -> Spoken:
    """The thinking and the answer of a reply. ``asked``: the messages it answers; a mark that occurs in them is part of the subject.

    Raises AnswerRejected for an empty answer, or if marks are left that no answer should contain.
    """
    text = text.strip(_INVISIBLE)
    if not _may_hold_marks(text):
        text = text.strip()
        if not text:
            raise AnswerRejected(reasons.EMPTY_ANSWER, "the reply holds no text")
        _check_one_mark(text, asked)
        return Spoken(None, text)
    thought, rest = _without_thinking(text, asked)
    rest = _without_edges(rest)
    rest = _unwrapped(rest, asked)
    if not rest:
        after = " after its thinking" if thought is not None else ""
        raise AnswerRejected(reasons.EMPTY_ANSWER, f"the reply holds no text{after}")
    _check_marks(rest, asked)
    _check_one_mark(rest, asked)
    return Spoken(thought, rest)


def thought_in(text: str) -> str | None:
    """The thinking before an answer; None if there is none, or if it never ends."""
    if not _may_hold_marks(text):
        return None
    try:
        return _without_thinking(text, ())[0]
    except AnswerRejected:
        return None


def ends_while_thinking(content: str | None, reasoning: str | None) -> bool:
    """Whether a reply with this text, and its thinking in a separate field, ends before its thinking does."""
    if not (content or "").strip():
        return bool(reasoning)
    try:
        _without_thinking(content or "", ())
    except AnswerRejected:
        return True
    return False


def _is_asked(mark: str, asked: tuple[ChatMessage, ...]) -> bool:
    return any(mark in message.content for message in asked)


def _may_hold_marks(text: str) -> bool:
    return "<" in text or "[" in text or "◁" in text or text.lstrip().startswith(("analysis", "assistant", "commentary", "Here", "Thinking..."))


def _without_thinking(text: str, asked: tuple[ChatMessage, ...]) -> Spoken:
    text = _without_edges(text)
    if _CHANNELS.search(text) and not _is_asked("<|channel|>", asked):
        final = [found.end() for found in _FINAL_CHANNEL.finditer(text)]
        if final:
            thought = _CHANNEL_NAME.sub("\n", text[: final[-1]]).strip()
            return Spoken(thought or None, re.split(r"<\|(?:start|end|return|call)\|>", text[final[-1] :])[0])
        raise _never_ends()
    thoughts: list[str] = []
    while (pair := _opened(text, asked)) is not None:
        begin, end = pair
        closed = _closing(text, end, begin.end())
        if closed is None:
            raise _never_ends()
        thoughts.append(text[begin.end() : closed.start()])
        text = _without_edges(text[closed.end() :])
    # the first begin mark may be in the prompt, so that only its end is here; and thinking may mention the mark
    for begins, ends in _PAIRS:
        closed = _closing(text, ends, 0)
        if closed is not None and (thoughts or not _outside_code(begins, text, 0, closed.start())) and not _is_asked(closed[0], asked):
            thoughts.append(text[: closed.start()])
            return Spoken("\n".join(thoughts).strip(), text[closed.end() :])
    return Spoken("\n".join(thoughts).strip() if thoughts else None, text)


def _never_ends() -> AnswerRejected:
    return AnswerRejected(reasons.EMPTY_ANSWER, "the reply ends while the teacher is still thinking; raise teacher_model_max_new_tokens")


def _opened(text: str, asked: tuple[ChatMessage, ...]) -> tuple[re.Match[str], re.Pattern[str]] | None:
    for begins, ends in (*_PAIRS, *_PAIRS_OF_TEXT):
        begin = begins.match(text)
        if begin is not None and (begin[1].lower() == "think" or not _is_asked(begin[0], asked)):
            return begin, ends
    return None


def _closing(text: str, ends: re.Pattern[str], start: int) -> re.Match[str] | None:
    """The first mark from ``start`` on that ends thinking and is not only mentioned."""
    for found in islice(ends.finditer(text, start), _MOST_MENTIONS):
        before, after = text[max(0, found.start() - 3) : found.start()], text[found.end() : found.end() + 1]
        inline = before[-1:] == " " and after not in ("", "\n", "\r") and before.rstrip()[-1:] not in ".!?:;)]}\"'>"
        if not inline and not _in_code(text, found) and (before[-1:], after) not in (('"', '"'), ("'", "'"), ("“", "”")):
            return found
    return None


def _outside_code(pattern: re.Pattern[str], text: str, start: int, end: int) -> re.Match[str] | None:
    return next((found for found in islice(pattern.finditer(text, start, end), _MOST_MENTIONS) if not _in_code(text, found)), None)


def _in_code(text: str, found: re.Match[str]) -> bool:
    line = text.rfind("\n", 0, found.start()) + 1
    return text.count("`", line, found.start()) % 2 == 1 or text.count("```", 0, found.start()) % 2 == 1


def _without_edges(text: str) -> str:
    begins = _BEGINS.match(text)
    text = text[begins.end() :] if begins is not None else text
    kept = max(0, len(text) - _LONGEST_RUN_OF_ENDS)
    ends = _ENDS.search(text, kept) if text[-1:].isspace() or text[-1:] in ">]" else None
    return (text[: ends.start()] if ends is not None else text).strip()


def _unwrapped(text: str, asked: tuple[ChatMessage, ...]) -> str:
    """The inside of an ``<answer>`` at the end of a reply, unless the row itself asks for the tag."""
    tags = list(islice(_WRAPPED.finditer(text), 2))
    if len(tags) != 1 or _is_asked(tags[0][0], asked) or _in_code(text, tags[0]):
        return text
    tag, closing = tags[0], f"</{tags[0][1]}>"
    inside = text[tag.end() :]
    if inside.lower().endswith(closing.lower()):
        return inside[: -len(closing)].strip()
    return inside.strip() if tag.start() == 0 and inside.strip() and closing.lower() not in inside.lower() else text


_OWN_LINE = re.compile(rf"^(?:<(?:{_NAMES})>|\[(?:THINK|THINKING)\])", re.IGNORECASE | re.MULTILINE)


def _check_marks(text: str, asked: tuple[ChatMessage, ...]) -> None:
    for found in (*islice(_STRAY.finditer(text), _MOST_MENTIONS), *islice(_OWN_LINE.finditer(text), _MOST_MENTIONS)):
        if not _is_asked(found[0], asked) and not _in_code(text, found):
            raise AnswerRejected(
                reasons.SPECIAL_TOKENS,
                f"the reply holds {found[0][:60]!r}, a mark that belongs to the model's chat template and not into an answer; look at the "
                "server's chat template, its stop tokens and its reasoning parser",
            )


_ONE_MARK = re.compile(r"([^\w\s])(?:\s?\1){9,}")


def _check_one_mark(text: str, asked: tuple[ChatMessage, ...]) -> None:
    """Raise AnswerRejected for a text that is one mark again and again: token 0 of many vocabularies is ``!``, which NaN gives."""
    if not text[:1].isalnum() and _ONE_MARK.fullmatch(text) is not None and not _is_asked(text[:10], asked):
        raise AnswerRejected(
            reasons.REPEATS_ITSELF,
            f"the answer is {text[0]!r} again and again: a server whose model overflows (NaN) writes this; look at its number format and logs",
        )
