"""Inputs about how the teacher answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import NumberOrNone, StopTexts, read_word
from transforms.elements.tasks import DEFAULT_MAX_NEW_TOKENS, TaskType

SETTING_OF_FIELD = {
    **dict.fromkeys(("max_tokens", "max_completion_tokens", "max_new_tokens"), "teacher_model_max_new_tokens"),
    "temperature": "teacher_model_temperature",
    "top_p": "teacher_model_top_p",
    "frequency_penalty": "teacher_model_frequency_penalty",
    "presence_penalty": "teacher_model_presence_penalty",
    "stop": "teacher_model_stop",
    "top_logprobs": "teacher_model_top_logprobs",
    "model": "model",
}
"""Our names of the fields of a request, also of those in Azure ML's job files."""

_LEARNED = "If the teacher refuses it, later requests are sent without it and still count as this setting; none makes another request."


_LIMITS = [task.default_max_new_tokens for task in TaskType]
_OTHER_LIMITS = [f"{task.default_max_new_tokens} for {task.value}" for task in TaskType if task.default_max_new_tokens != DEFAULT_MAX_NEW_TOKENS]


class SamplingSettings(Section):
    """Sampling parameters of every request. All of them change the answers, so changing one sends every row again; another token limit sends
    only rows that the lower one cut off."""

    teacher_model_max_new_tokens: int | None = setting(
        None,
        "sampling",
        f"longest answer in tokens (default by task, {min(_LIMITS)} to {max(_LIMITS)})",
        f"Default: {'; '.join([str(DEFAULT_MAX_NEW_TOKENS), *_OTHER_LIMITS])}. Too small cuts answers off, and cut-off answers are rejects; too "
        "large costs only if the teacher writes too much. A higher limit sends only cut-off rows again.",
        True,
        ge=1,
    )
    teacher_model_temperature: NumberOrNone = setting(0.2, "sampling", "temperature, 0 to 2; none: not sent", _LEARNED, True, ge=0, le=2)
    teacher_model_top_p: NumberOrNone = setting(0.1, "sampling", "nucleus, 0 to 1; none: not sent", _LEARNED, True, ge=0, le=1)
    teacher_model_frequency_penalty: NumberOrNone = setting(0.0, "sampling", "-2 to 2; zero or none: not sent", ge=-2, le=2)
    teacher_model_presence_penalty: NumberOrNone = setting(0.0, "sampling", "-2 to 2; zero or none: not sent", ge=-2, le=2)
    teacher_model_stop: StopTexts | None = setting(None, "sampling", "one stop text, or a JSON list of up to four")
    teacher_model_top_logprobs: int | None = setting(
        None,
        "sampling",
        "log probabilities to ask for each token, 0 to 20",
        "Of that many likely tokens besides the answer's own, in the field `logprobs` of the dataset, to train on soft targets. "
        f"{_LEARNED} Each makes answers on the wire and on the ledger larger, with 20 some hundred times; servers may allow fewer.",
        ge=0,
        le=20,
    )
    teacher_system_messages: Annotated[Literal["send", "merge"], BeforeValidator(read_word)] = setting(
        "send",
        "sampling",
        "system messages: send, or merge into the first user message",
        "For a teacher without a system role; if it refuses them, they are merged automatically. Datasets keep the system message.",
    )
    seed: int | None = setting(
        None, "sampling", "seed of our own randomness (waits between retries)", "Not sent; for the teacher's own seed use extra_body."
    )
