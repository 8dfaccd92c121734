"""Which answers a higher token limit may make longer."""

import pytest
from builders import a_reply

from transforms.prompts.token_limit import ended_at_limit


@pytest.mark.parametrize(
    ("finish_reason", "tokens", "content", "reasoning", "ended"),
    [
        ("length", 512, "so", None, True),
        ("max_tokens", 511, "so", None, True),
        ("length", None, "so", None, True),  # tokens are not counted
        ("length", 300, "so", None, False),  # the context, or the server's own limit
        ("length", 4000, "so", None, True),  # thinking beyond what the limit holds for
        ("length", 512, None, "thinking", True),
        ("length", 512, "so" + " lock" * 200, None, False),  # a higher limit gets more of the same
        ("length", 512, "whole\n" + " \n" * 200, None, False),
        ("length", 512, None, "Wait, let me think. " * 40, False),
        ("model_length", 512, "so", None, False),
        ("model_context_window_exceeded", None, "so", None, False),
        ("ContextLengthExceeded", None, "so", None, False),
        ("stop", 512, "whole", None, False),
        ("stop", 20, "whole", None, False),
        ("stop", 512, "<think>and then", None, True),  # a server that says stop for everything
        ("stop", None, None, "and then", True),
        ("stop", 20, "<think>and then", None, False),
        ("stop", 512, "<think>so</think>whole", None, False),
        (None, 512, "so", None, True),  # /score says no word
        ("", None, "so", None, True),
        (None, 20, "whole", None, False),
        ("content_filter", 512, None, None, False),
        ("tool_calls", 512, None, None, False),
        ("a_new_word", 512, "so", None, False),
    ],
)
def test_an_answer_ended_at_the_limit(
    finish_reason: str | None, tokens: int | None, content: str | None, reasoning: str | None, ended: bool
) -> None:
    reply = a_reply(content)._replace(finish_reason=finish_reason, completion_tokens=tokens, reasoning=reasoning)
    assert ended_at_limit(reply, 512) is ended
