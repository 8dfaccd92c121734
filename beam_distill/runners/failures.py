"""A cluster's message when it fails a job, for the user: not treated as our defect."""

from __future__ import annotations

import grpc

from beam_distill.runners.beam_internals.error_texts import word_for_failed_job

LONGEST = 2000


def reported_by_runner(error: BaseException) -> str | None:
    """The runner's message about a failed job or its own loss; None for another kind of error."""
    if isinstance(error, grpc.RpcError):
        code = error.code().name if isinstance(error, grpc.Call) else type(error).__name__
        return f"the job server no longer answers ({code})"
    word = word_for_failed_job(error)
    if word is not None:
        cause = root_cause(word)
        # the cause first: it is at the end of a possibly long traceback
        return f"the runner failed the job: {word[:LONGEST]}" if cause is None else f"the runner failed the job: {cause}\n{word[:LONGEST]}\n"
    return None


def root_cause(text: str) -> str | None:
    """The first exception in the tracebacks of a runner's or worker's text; None without a traceback."""
    _, traceback, rest = text.partition("Traceback (most recent call last)")
    lines = rest.splitlines()[1:] if traceback else []
    return next((line.strip() for line in lines if line and not line[0].isspace()), None)
