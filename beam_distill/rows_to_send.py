"""What of a job's input is still to be sent, by the ledger as it stands."""

from __future__ import annotations

from beam_distill.config.settings import DistillSettings
from beam_distill.survey import SplitSurvey, survey_split
from beam_distill.wiring import input_spec, prompt_spec, run_files, sampling_spec
from transforms.drop_answered import ledger_lookup
from transforms.ledger.index import AnswerIndex
from transforms.ledger.storage import Sealing
from transforms.ledger_storage import storage_for
from transforms.prompts.registry import prompt_for
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import EndpointSpec


def rows_to_send(settings: DistillSettings, endpoint: EndpointSpec) -> list[SplitSurvey]:
    """Every split with input, walked against the ledger of the work_dir. ``endpoint`` has its model settled."""
    template = PayloadTemplate(endpoint, sampling_spec(settings))
    ledger_dir = run_files(settings.resolved_work_dir, "").ledger_dir
    index = AnswerIndex(ledger_dir, storage_for(ledger_dir, Sealing()))
    try:
        find = ledger_lookup(index, template) if len(index) else None
        spec, prompt = input_spec(settings), prompt_for(prompt_spec(settings))
        return [survey_split(spec, files, prompt, template, find) for files in spec.splits if files.pattern is not None]
    finally:
        index.close()
