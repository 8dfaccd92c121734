"""The rows of a job's input that are still to be sent, by the current ledger."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from beam_distill.before_run.survey import LedgerView, SplitSurvey, survey_split
from beam_distill.config.settings import DistillSettings, as_judge
from beam_distill.job.specs import endpoint_spec, input_spec, lookup_spec, rules_of, sampling_spec, with_model
from beam_distill.work_dir.records import records
from transforms.elements.rows import PromptRequest, RejectedRow
from transforms.files.paths import is_remote
from transforms.ledger.earlier_requests import EarlierRequests
from transforms.ledger.object_storage import storage_for
from transforms.reuse.paid_answers import PaidAnswers
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import EndpointSpec

NEW_ROWS_IN_SUCCESSION = 10_000
"""With fewer, changed settings are not reported if new rows come before old ones; more delay the first request."""


def rows_to_send(settings: DistillSettings, endpoint: EndpointSpec, to_the_end: bool = True) -> list[SplitSurvey]:
    """Every split with input, compared with the ledger of the work_dir. ``endpoint`` has its model.

    Without ``to_the_end`` the comparison ends when the rest of the input can only be new rows: when everything on the ledger was seen,
    or after many new rows in succession. By then it is known whether all rows are answered, and what changed settings mean. Where accepted
    rows are counted (``until_accepted``), new rows do not end it: others behind them may be on the ledger.
    """
    sampling = sampling_spec(settings)
    template = PayloadTemplate(endpoint, sampling)
    spec, rules = input_spec(settings), rules_of(settings)
    surveys: list[SplitSurvey] = []
    with _ledger(settings, endpoint) as (paid, earlier):
        ledger = LedgerView(paid, earlier, sampling.max_new_tokens) if len(paid) else None
        is_enough = _never if to_the_end else _OnlyNewRows(surveys, earlier, rules.until_accepted is not None)
        for files in spec.splits:
            if files.pattern is not None:
                surveys.append(survey_split(spec, files, rules, template, ledger, is_enough=is_enough))
    return surveys


def walk_rows(settings: DistillSettings, on_row: Callable[[PromptRequest | RejectedRow], None]) -> Iterator[tuple[str, SplitSurvey]]:
    """Every split with input, without the ledger: its path or pattern, and its survey. ``on_row`` gets every row."""
    template = PayloadTemplate(EndpointSpec(""), sampling_spec(settings))  # without a model: it is not used for look-ups
    spec, rules = input_spec(settings), rules_of(settings)
    for files in spec.splits:
        if files.pattern is not None:
            yield files.pattern, survey_split(spec, files, rules, template, on_row=on_row)


def _never(_: SplitSurvey) -> bool:
    return False


class _OnlyNewRows:
    """Whether the rest of the input can only be new rows; with ``for_certain`` not by many of them in succession. Called after every row to
    send."""

    def __init__(self, before: list[SplitSurvey], earlier: EarlierRequests, for_certain: bool) -> None:
        self._before = before
        self._earlier = earlier
        self._for_certain = for_certain
        self._known = -1
        self._new_rows = 0

    def __call__(self, survey: SplitSurvey) -> bool:
        known = survey.known_turns + sum(split.known_turns for split in self._before)
        self._new_rows = self._new_rows + 1 if known == self._known else 0
        self._known = known
        return known >= self._earlier.turns or (not self._for_certain and self._new_rows >= NEW_ROWS_IN_SUCCESSION)


@contextmanager
def _ledger(settings: DistillSettings, endpoint: EndpointSpec) -> Iterator[tuple[PaidAnswers, EarlierRequests]]:
    scoring = lookup_spec(settings, endpoint)
    paid = PaidAnswers(scoring)
    earlier = EarlierRequests(scoring.ledger_dir, storage_for(scoring.ledger_dir, scoring.sealing))
    try:
        yield paid, earlier
    finally:
        paid.close()
        earlier.close()


def endpoint_by_record(settings: DistillSettings) -> tuple[EndpointSpec | None, str | None]:
    """The endpoint for the request hash, its model from the settings or the ledger, without contacting it; and a remark if uncertain.

    None without a ledger, or if only the endpoint knows. Raises RunRefused for settings that name no endpoint.
    """
    if not is_remote(settings.resolved_work_dir) and not os.path.isdir(os.path.join(settings.resolved_work_dir, "ledger")):
        return None, None
    if not (settings.endpoint_is_given and (not settings.has_judge or as_judge(settings).endpoint_is_given)):
        return None, "rows that the ledger answers are not distinguished: that needs a look-up of the endpoint, as in beam-distill check"
    endpoint = endpoint_spec(settings)
    if endpoint.model is not None:
        return endpoint, None
    first = next(records(f"{settings.resolved_work_dir}/ledger", []), None)
    if first is None:
        return None, None
    doubt = f"counted for the model {first['model']}, which the ledger has answers of" if first["model"] else None
    return with_model(endpoint, first["model"]), doubt
