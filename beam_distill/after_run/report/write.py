"""Writes the report of a work_dir."""

from __future__ import annotations

from beam_distill.after_run.report.how_right_section import samples_to_read
from beam_distill.after_run.report.ledger_facts import gather, rejects_of
from beam_distill.after_run.report.page import render
from beam_distill.after_run.report.run_files import read_run, sample_rejects
from beam_distill.job.prices import Prices, prices_among
from beam_distill.work_dir.files import write_text

FILE_NAME = "report.html"


def write_report(work_dir: str, output: str | None = None, prices: Prices | None = None) -> tuple[str, str]:
    """Write the report of the newest run in ``work_dir``. Returns its path and ``Agreement.sentence``.

    ``prices`` replace the run's own. Raises NoRun, and OSError when it cannot be written.
    """
    run = read_run(work_dir)
    rejects = sample_rejects(f"{run.work_dir}/rejects.jsonl")
    keys = frozenset(str(reject["row_key"]) for listed in rejects.values() for reject in listed if reject.get("row_key"))
    ledger = gather(f"{run.work_dir}/ledger", run.prompt(), run.run_id, samples_to_read(run)._replace(questions_of=keys))
    older = bool(rejects) and not run.finished
    if not rejects:
        rejects = rejects_of(ledger)
    path = output if output is not None else f"{run.work_dir}/{FILE_NAME}"
    write_text(path, render(run, ledger, rejects, older, prices or prices_among(run.settings)))
    return path, ledger.agreement.sentence
