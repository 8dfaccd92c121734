"""What the workers run.

Files directly in this package use Beam: each declares one stage, ``counters`` the metrics, and ``distill_rows`` connects stages. Folders
inside it are plain Python and never import Beam, so tests and commands can use them without a pipeline (``files.beam`` is the exception,
loaded by the first path that is not local):

    list_parts > survey_parts > read_parts > format_prompts > drop_answered > batch_by_size > score_with_teacher > parse_replies
              > judge_success > write_parts > place_dataset; write_verdict

    elements   the frozen values that flow          prompts   task wording, and how a reply becomes an answer
    intake     files to rows with a key             students  examples in a training's format
    teacher    the scoring engine                   ledger    paid answers on disk, and their index
    acceptance which answers become examples
    reuse      which reply answers which request    control   messages between the processes of a run
    files      local and remote paths, patterns     azure, web   tokens and keys; proxies and redaction

The Beam modules do not use ``from __future__ import annotations``: with it, Beam reads every inferred type hint as Any.

For your own Beam pipeline: ``DistillRows``, its inputs and outputs (docs/guides/python.md).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transforms.acceptance.spec import AcceptanceSpec
    from transforms.distill_rows import DistillRows
    from transforms.elements.rows import ChatMessage, DistilledExample, RejectedRow, RowOrigin, Split, TrainingRow
    from transforms.elements.tally import RowOutcome
    from transforms.elements.tasks import TaskType
    from transforms.parse_replies import ParsedRows
    from transforms.prompts.spec import AnswerRules, PromptSpec
    from transforms.teacher.address import chat_completions_url
    from transforms.teacher.kinds.registry import EndpointKind
    from transforms.teacher.session import close_sessions
    from transforms.teacher.specs import (
        ConcurrencySpec,
        CredentialKind,
        CredentialRef,
        EndpointSpec,
        PatienceSpec,
        PoolMember,
        SamplingSpec,
        ScoringSpec,
    )
    from transforms.teacher.stream_spec import StreamSpec

__all__ = [
    "AcceptanceSpec",
    "AnswerRules",
    "ChatMessage",
    "ConcurrencySpec",
    "CredentialKind",
    "CredentialRef",
    "DistillRows",
    "DistilledExample",
    "EndpointKind",
    "EndpointSpec",
    "ParsedRows",
    "PatienceSpec",
    "PoolMember",
    "PromptSpec",
    "RejectedRow",
    "RowOrigin",
    "RowOutcome",
    "SamplingSpec",
    "ScoringSpec",
    "Split",
    "StreamSpec",
    "TaskType",
    "TrainingRow",
    "chat_completions_url",
    "close_sessions",
]

_HOMES = {
    "AcceptanceSpec": "transforms.acceptance.spec",
    "DistillRows": "transforms.distill_rows",
    "ChatMessage": "transforms.elements.rows",
    "DistilledExample": "transforms.elements.rows",
    "RejectedRow": "transforms.elements.rows",
    "RowOrigin": "transforms.elements.rows",
    "Split": "transforms.elements.rows",
    "TaskType": "transforms.elements.tasks",
    "TrainingRow": "transforms.elements.rows",
    "RowOutcome": "transforms.elements.tally",
    "ParsedRows": "transforms.parse_replies",
    "AnswerRules": "transforms.prompts.spec",
    "PromptSpec": "transforms.prompts.spec",
    "chat_completions_url": "transforms.teacher.address",
    "EndpointKind": "transforms.teacher.kinds.registry",
    "close_sessions": "transforms.teacher.session",
    "ConcurrencySpec": "transforms.teacher.specs",
    "CredentialKind": "transforms.teacher.specs",
    "CredentialRef": "transforms.teacher.specs",
    "EndpointSpec": "transforms.teacher.specs",
    "PatienceSpec": "transforms.teacher.specs",
    "PoolMember": "transforms.teacher.specs",
    "SamplingSpec": "transforms.teacher.specs",
    "ScoringSpec": "transforms.teacher.specs",
    "StreamSpec": "transforms.teacher.stream_spec",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)  # loads Beam only when a stage is used
