"""What of a job's input is still to be sent, by the ledger as it stands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from beam_distill.config.settings import DistillSettings
from beam_distill.other_requests import OtherRequests
from beam_distill.stored_files import is_remote
from beam_distill.survey import SplitSurvey, survey_split
from beam_distill.wiring import endpoint_spec, input_spec, prompt_spec, run_files, sampling_spec, with_model
from transforms.drop_answered import ledger_lookup
from transforms.elements.rows import RejectedRow
from transforms.format_prompts import format_row
from transforms.ledger.index import AnswerIndex, FirstRequests
from transforms.ledger.storage import Sealing
from transforms.ledger_storage import storage_for
from transforms.prompts.progress import replies_on_ledger
from transforms.prompts.registry import prompt_for
from transforms.read_rows import walk_split
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import EndpointSpec


def rows_to_send(settings: DistillSettings, endpoint: EndpointSpec) -> list[SplitSurvey]:
    """Every split with input, walked against the ledger of the work_dir. ``endpoint`` has its model settled."""
    template = PayloadTemplate(endpoint, sampling_spec(settings))
    with _ledger(settings) as (answers, others):
        find = ledger_lookup(answers, template) if len(answers) else None
        find_other = others.find if find is not None else None
        spec, prompt = input_spec(settings), prompt_for(prompt_spec(settings))
        return [survey_split(spec, files, prompt, template, find, find_other=find_other) for files in spec.splits if files.pattern is not None]


def is_all_answered(settings: DistillSettings, endpoint: EndpointSpec) -> bool:
    """Whether the ledger answers every row that can be sent. Ends its walk at the first that it does not."""
    return next(_unanswered(settings, endpoint), None) is None


def other_requests(settings: DistillSettings, endpoint: EndpointSpec) -> OtherRequests:
    """What the ledger holds about rows that are to be sent to other requests than theirs; nothing where the first such row has nothing."""
    found = OtherRequests()
    for body, other in _unanswered(settings, endpoint):
        if other is None and not found.rows:
            break
        if other is not None:
            found.rows += 1
            found.earlier, found.now = other, body.decode()
    return found


def _unanswered(settings: DistillSettings, endpoint: EndpointSpec) -> Iterator[tuple[bytes, str | None]]:
    """The first request of every row that is to be sent, with the body of another about the same row that the ledger answers, if any."""
    template = PayloadTemplate(endpoint, sampling_spec(settings))
    spec, prompt = input_spec(settings), prompt_for(prompt_spec(settings))
    with _ledger(settings) as (answers, others):
        find = ledger_lookup(answers, template)
        for files in spec.splits:
            for row in walk_split(spec, files):
                asked = format_row(prompt, row)
                if isinstance(asked, RejectedRow):
                    continue
                replies, complete = replies_on_ledger(prompt, asked, find)
                if not complete:
                    yield template.body(asked.messages_for_turn(0, ())), None if replies else others.find(row.row_key or "")


@contextmanager
def _ledger(settings: DistillSettings) -> Iterator[tuple[AnswerIndex, FirstRequests]]:
    ledger_dir = run_files(settings.resolved_work_dir, "").ledger_dir
    answers, others = AnswerIndex(ledger_dir, storage_for(ledger_dir, Sealing())), FirstRequests(ledger_dir, storage_for(ledger_dir, Sealing()))
    try:
        yield answers, others
    finally:
        answers.close()
        others.close()


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
