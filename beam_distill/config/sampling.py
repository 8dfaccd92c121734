"""Inputs about how the teacher answers."""

from __future__ import annotations

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import StopTexts


class SamplingSettings(Section):
    """Sampling parameters of every request; all of them change the answers, so changing one asks anew."""

    teacher_model_max_new_tokens: int | None = setting(
        None,
        "sampling",
        "longest answer in tokens (128; 1024 for SUMMARIZATION)",
        "Too small cuts answers off, and cut-off answers are rejects; too large costs only where the teacher rambles.",
        True,
        ge=1,
    )
    teacher_model_temperature: float = setting(0.2, "sampling", "temperature, 0 to 2", "", True, ge=0, le=2)
    teacher_model_top_p: float = setting(0.1, "sampling", "nucleus, 0 to 1", "", True, ge=0, le=1)
    teacher_model_frequency_penalty: float = setting(0.0, "sampling", "-2 to 2; zero is not sent", ge=-2, le=2)
    teacher_model_presence_penalty: float = setting(0.0, "sampling", "-2 to 2; zero is not sent", ge=-2, le=2)
    teacher_model_stop: StopTexts | None = setting(None, "sampling", "one stop text, or a JSON list of up to four")
    seed: int | None = setting(
        None, "sampling", "seed of our own randomness (waits between retries)", "Not sent; for the teacher's own seed use extra_body."
    )
