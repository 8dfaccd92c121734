"""The report of a work_dir, made from what lies in it."""

from __future__ import annotations

import os
from pathlib import Path

from beam_distill.progress.tracker import Prices
from beam_distill.report.facts import gather
from beam_distill.report.page import render
from beam_distill.report.run_files import read_run, sample_rejects

FILE_NAME = "report.html"


def write_report(work_dir: str, output: str | None = None, prices: Prices | None = None) -> Path:
    """Make the report of the newest run in ``work_dir``; its path.

    ``prices`` stand in for those that the run was told. Raises NoRun, and OSError when it cannot be written.
    """
    run = read_run(work_dir)
    rejects = sample_rejects(run.work_dir / "rejects.jsonl")
    keys = [str(reject["row_key"]) for listed in rejects.values() for reject in listed if reject.get("row_key")]
    ledger = gather(run.work_dir / "ledger", run.prompt(), run.run_id, keys)
    path = Path(output) if output is not None else run.work_dir / FILE_NAME
    partial = path.with_name(path.name + ".partial")
    partial.write_text(render(run, ledger, rejects, prices or _told(run.settings)), encoding="utf-8", errors="replace")
    os.replace(partial, path)
    return path


def _told(settings: dict[str, object]) -> Prices | None:
    per_in, per_out = settings.get("price_per_million_input_tokens"), settings.get("price_per_million_output_tokens")
    if per_in is None and per_out is None:
        return None
    return Prices(float(str(per_in or 0)), float(str(per_out or 0)), str(settings.get("currency") or ""))
