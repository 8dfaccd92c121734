"""Submitting a job without waiting for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.beam_options import beam_given
from beam_distill.runners.beam_internals.results import job_id_of
from beam_distill.submit.hand_over import handing_over, submission_of
from beam_distill.work_dir.submission import Submission, submitted

if TYPE_CHECKING:
    from beam_distill.config.sources import ResolvedSettings


def submit_detached(
    resolved: ResolvedSettings, beam_argv: list[str] | None = None, jar: str | None = None, ask_again: tuple[str, ...] = ()
) -> Submission:
    """Submit the job and return at once. On Flink it is a portable jar through the REST interface; ``jar`` keeps a copy.

    Raises RunRefused for errors, or when the job would end with this command.
    """
    # late: keeps Beam out of the start
    from beam_distill.runners.flink import EMBEDDED, master_of
    from beam_distill.submit.submit_jar import submit_to_flink

    settings, given = resolved.settings, beam_given(resolved, beam_argv or [])
    endpoint = given.options.get("job_endpoint") or (settings.master if settings.runner == "portable" else None)
    if endpoint is not None:
        return _submit_to_job_server(resolved, beam_argv, str(endpoint), ask_again)
    if settings.runner == "flink" and master_of(settings, given) != EMBEDDED:
        return submit_to_flink(resolved, beam_argv, jar, ask_again)
    raise RunRefused(
        ExitCode.WRONG_INPUT,
        "detach: this job would end with the command. Give a Flink master (--runner flink --master host:8081), or a job server that "
        "runs by itself (--job_endpoint host:8099)",
    )


def _submit_to_job_server(resolved: ResolvedSettings, beam_argv: list[str] | None, endpoint: str, ask_again: tuple[str, ...]) -> Submission:
    # late: keeps Beam out of the start
    from beam_distill.job.pipeline import build
    from beam_distill.run.prepare import prepare_job
    from beam_distill.runners.base import options_of
    from beam_distill.runners.beam_internals.own_pipeline import OwnPipeline

    prepared = prepare_job(resolved, beam_argv, ask_again)
    if prepared.plan.environment == "loopback":
        raise RunRefused(ExitCode.WRONG_INPUT, "detach: loopback workers run in this command; set worker_environment to another kind")
    with handing_over(prepared):
        pipeline = OwnPipeline(options=options_of(prepared.plan, prepared.given))
        build(pipeline, prepared.job)
        return submitted(submission_of(prepared, "portable", endpoint, job_id_of(pipeline.run())))
