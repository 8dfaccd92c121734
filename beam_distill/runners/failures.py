"""What a runner elsewhere says when it fails a job: for a person, and no defect of ours until shown to be one."""

from __future__ import annotations

import grpc

_BEAMS_WORDS = "failed in state"
LONGEST = 2000


def told_by_runner(error: BaseException) -> str | None:
    """The runner's word for a job that it failed, or for its own going away; None when the error is of another kind."""
    if isinstance(error, grpc.RpcError):
        code = error.code().name if isinstance(error, grpc.Call) else type(error).__name__
        return f"the job server no longer answers ({code})"
    if isinstance(error, RuntimeError) and _BEAMS_WORDS in str(error):
        return f"the runner failed the job: {str(error).partition(_BEAMS_WORDS)[2].strip()[:LONGEST]}"
    return None
