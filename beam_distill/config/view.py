"""Inputs about what a person sees."""

from __future__ import annotations

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import Flag


class ViewSettings(Section):
    """Progress, prices, report."""

    quiet: Flag = setting(
        False, "view", "no plan and no progress; warnings and the summary only", "NO_COLOR=1 keeps the progress and takes its colours.", True
    )
    price_per_million_input_tokens: float | None = setting(
        None, "view", "price of a million tokens in; with it, cost is shown", "In the progress, the report and `check`.", True, ge=0
    )
    price_per_million_output_tokens: float | None = setting(
        None, "view", "price of a million tokens out", "With one price alone, cost is that of its tokens, and says so.", True, ge=0
    )
    price_per_million_cached_input_tokens: float | None = setting(
        None,
        "view",
        "price of a million tokens in that the endpoint had in its cache",
        "Unset: that of the others. What an endpoint takes for writing to its cache is not distinguished.",
        ge=0,
    )
    price_per_million_reasoning_tokens: float | None = setting(
        None, "view", "price of a million tokens out that are reasoning", "Unset: that of the others, as almost everywhere.", ge=0
    )
    currency: str = setting("USD", "view", "what prices are in, as it is to be written")
    report: Flag = setting(
        True, "view", "write report.html into the work_dir at the end", "`beam-distill report WORK_DIR` makes it at any time, also mid-run."
    )
