"""Inputs about the output for the user."""

from __future__ import annotations

from beam_distill.config.base import Section, setting
from beam_distill.config.fields import Flag


class ViewSettings(Section):
    """Progress, prices, report."""

    quiet: Flag = setting(
        False, "view", "no plan and no progress; warnings and the summary only", "NO_COLOR=1 shows the progress without colours.", True
    )
    price_per_million_input_tokens: float | None = setting(
        None, "view", "price of a million tokens in; with it, cost is shown", "In the progress, the report and `check`.", True, ge=0
    )
    price_per_million_output_tokens: float | None = setting(
        None, "view", "price of a million tokens out", "With only one price, the cost covers only its tokens, with a remark.", True, ge=0
    )
    price_per_million_cached_input_tokens: float | None = setting(
        None,
        "view",
        "price of a million cached tokens in",
        "Unset: that of the others. The price of writing to the cache is not distinguished.",
        ge=0,
    )
    price_per_million_reasoning_tokens: float | None = setting(
        None, "view", "price of a million reasoning tokens out", "Unset: that of the others, as almost everywhere.", ge=0
    )
    currency: str = setting("USD", "view", "currency of the prices, as shown")
    report: Flag = setting(
        True, "view", "write report.html into the work_dir at the end", "`beam-distill report WORK_DIR` writes it at any time, also mid-run."
    )
