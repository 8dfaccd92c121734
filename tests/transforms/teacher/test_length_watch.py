"""Warnings about many cut-off answers: they name the fix, and a higher limit only if it helps."""

import pytest
from builders import a_reply

from transforms.teacher.length_watch import SAMPLE, LengthWatch

HIGHER = "set teacher_model_max_new_tokens above 1024"
LONGER_CONTEXT = "Serve the model with a longer context"


@pytest.mark.parametrize(
    ("finish_reason", "completion_tokens", "said"),
    [
        ("length", 1024, HIGHER),
        ("max_tokens", 1020, HIGHER),
        ("length", None, HIGHER),  # tokens are not counted
        ("length", 1, LONGER_CONTEXT),  # Ollama: the prompt was cut to fit, and left room for one token
        ("model_context_window_exceeded", 1024, LONGER_CONTEXT),
        ("stop", 1024, None),
    ],
)
@pytest.mark.parametrize(("cut_off", "is_said"), [(5, False), (6, True)])
def test_the_fix_is_named(
    caplog: pytest.LogCaptureFixture, finish_reason: str, completion_tokens: int | None, said: str | None, cut_off: int, is_said: bool
) -> None:
    watch = LengthWatch(1024)
    for number in range(2 * SAMPLE):
        reply = a_reply("so", finish_reason=finish_reason)._replace(completion_tokens=completion_tokens)
        watch.answered(reply if number < cut_off else a_reply("so"))
    assert [said] * (is_said and said is not None) == [words for words in (HIGHER, LONGER_CONTEXT) if words in caplog.text]
    assert len(caplog.records) <= 1
