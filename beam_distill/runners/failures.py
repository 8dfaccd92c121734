"""What a runner elsewhere says when it fails a job: for a person, and no defect of ours until shown to be one."""

from __future__ import annotations

import grpc

from beam_distill.runners.beam_internals.error_texts import word_for_failed_job

LONGEST = 2000


def reported_by_runner(error: BaseException) -> str | None:
    """The runner's word for a job that it failed, or for its own going away; None when the error is of another kind."""
    if isinstance(error, grpc.RpcError):
        code = error.code().name if isinstance(error, grpc.Call) else type(error).__name__
        return f"the job server no longer answers ({code})"
    word = word_for_failed_job(error)
    if word is not None:
        cause = root_cause(word)
        # the cause first: it is at the end of a traceback that may be long
        return f"the runner failed the job: {word[:LONGEST]}" if cause is None else f"the runner failed the job: {cause}\n{word[:LONGEST]}\n"
    return None


def root_cause(text: str) -> str | None:
    """What was raised first, by the tracebacks that a runner or worker put into a text; None where there is none."""
    _, traceback, rest = text.partition("Traceback (most recent call last)")
    lines = rest.splitlines()[1:] if traceback else []
    return next((line.strip() for line in lines if line and not line[0].isspace()), None)
