"""What of a job's input is still to be sent, by the ledger as it stands."""

from __future__ import annotations

import os

from beam_distill.config.settings import DistillSettings
from beam_distill.stored_files import is_remote
from beam_distill.survey import SplitSurvey, survey_split
from beam_distill.wiring import endpoint_spec, input_spec, prompt_spec, run_files, sampling_spec, with_model
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


def endpoint_by_record(settings: DistillSettings) -> tuple[EndpointSpec | None, str | None]:
    """The endpoint as requests name it, its model from the settings or the ledger, without asking anybody; and what is not certain about it.

    None where there is no ledger, or only asking would tell. Raises RunRefused for settings that name no endpoint.
    """
    if not is_remote(settings.resolved_work_dir) and not os.path.isdir(os.path.join(settings.resolved_work_dir, "ledger")):
        return None, None
    if not settings.endpoint_is_given:
        return None, "rows that the ledger answers are not told apart: that needs the endpoint to be looked up, as beam-distill check does"
    endpoint = endpoint_spec(settings)
    if endpoint.model is not None:
        return endpoint, None
    from beam_distill.report.facts import records

    first = next(records(f"{settings.resolved_work_dir}/ledger", []), None)
    if first is None:
        return None, None
    doubt = f"counted for the model {first['model']}, which the ledger has answers of" if first["model"] else None
    return with_model(endpoint, first["model"]), doubt
