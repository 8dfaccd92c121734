"""The exit codes of the command, one per way a run can end."""

from __future__ import annotations

from enum import IntEnum

from transforms.elements.failures import StopCause


class ExitCode(IntEnum):
    """The ways a command can end."""

    PUBLISHED = 0
    DEFECT = 1
    WRONG_INPUT = 2
    BELOW_MINIMUM = 3
    ENDPOINT_STOPPED = 4
    STORAGE_FAILED = 5
    NOT_ENDED = 6
    BUDGET_SPENT = 7
    INTERRUPTED = 130


EXPLANATIONS: dict[ExitCode, str] = {
    ExitCode.PUBLISHED: "every dataset asked for is published",
    ExitCode.DEFECT: "a defect of beam-distill, to be reported with its traceback; or the cluster failed the job, a rerun continues",
    ExitCode.WRONG_INPUT: "a setting, a command or the input as a whole is wrong; nothing was sent",
    ExitCode.BELOW_MINIMUM: "a split is below min_endpoint_success_ratio, min_readable_ratio or min_accepted_ratio, and not published",
    ExitCode.ENDPOINT_STOPPED: "the endpoint refused or went away; stopped early, a rerun continues",
    ExitCode.STORAGE_FAILED: "storage failed, or input or ledger changed under the run; what was written is kept, a rerun continues",
    ExitCode.NOT_ENDED: "status only: the job has not ended, or its runner does not say so",
    ExitCode.BUDGET_SPENT: "max_cost, max_total_tokens or max_requests is reached; a rerun with a higher limit continues",
    ExitCode.INTERRUPTED: "interrupted; a rerun continues",
}

FOR_STOP: dict[StopCause, ExitCode] = {
    StopCause.ENDPOINT_REFUSED: ExitCode.ENDPOINT_STOPPED,
    StopCause.ENDPOINT_GONE: ExitCode.ENDPOINT_STOPPED,
    StopCause.STORAGE_FAILED: ExitCode.STORAGE_FAILED,
    StopCause.INTERRUPTED: ExitCode.INTERRUPTED,
    StopCause.BUDGET_SPENT: ExitCode.BUDGET_SPENT,
    StopCause.ENOUGH_ACCEPTED: ExitCode.PUBLISHED,
}


class RunRefused(Exception):
    """The run cannot start or continue; ``code`` is the exit code, the text says what to do."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code
