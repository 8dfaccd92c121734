"""Rows that are sent again although the ledger has an answer, and rows that are not."""

import json
from pathlib import Path

import pytest
from builders import a_request

from transforms.acceptance.length import LengthCheck
from transforms.acceptance.spec import AcceptanceSpec
from transforms.drop_answered import _DropAnsweredFn
from transforms.elements.flow import PendingOrDone
from transforms.elements.replies import LedgerRecord, ScoredRow
from transforms.elements.tasks import TaskType
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.segments import SegmentWriter
from transforms.prompts.spec import AnswerRules, PromptSpec
from transforms.teacher.payload import PayloadTemplate
from transforms.teacher.specs import ConcurrencySpec, EndpointSpec, PatienceSpec, SamplingSpec, ScoringSpec

NO_CHECKS = AcceptanceSpec()


def scoring(folder: Path, run_id: str, ask_again: tuple[str, ...]) -> ScoringSpec:
    endpoint = EndpointSpec("http://localhost/v1/chat/completions", "m")
    places = (str(folder / "ledger"), str(folder / "failures"))
    return ScoringSpec(endpoint, SamplingSpec(), ConcurrencySpec(), PatienceSpec(), *places, run_id, ask_again=ask_again)


def record_answer(spec: ScoringSpec, run_id: str, content: str) -> None:
    template = PayloadTemplate(spec.endpoint, spec.sampling)
    body = template.body(a_request().messages_for_turn(0, ()))
    response = json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]})
    asked = (0, template.request_hash(body), "m", body.decode(), None)
    record = LedgerRecord(run_id, "train", "row-0", "rows.jsonl", 1, *asked, 200, response, "stop", 9, 2, 1, 5.0, 0, 5)
    writer = SegmentWriter(spec.ledger_dir, run_id, LEDGER_SCHEMA)
    writer.append([as_datum(record)])
    writer.close()


def looked_up(spec: ScoringSpec, acceptance: AcceptanceSpec = NO_CHECKS) -> PendingOrDone:
    stage = _DropAnsweredFn(PromptSpec(TaskType.MATH, rules=AnswerRules("always")), spec, acceptance)
    stage.setup()
    stage.start_bundle()
    try:
        (found,) = stage.process(a_request())
    finally:
        stage.teardown()
    return found


@pytest.mark.parametrize(
    ("content", "ask_again", "sent"),
    [
        ("no idea", (), False),
        ("no idea", ("not_a_number",), True),
        ("no idea", ("empty_answer", "no_json"), False),
        ("4", ("not_a_number",), False),
    ],
)
def test_only_rejects_of_the_chosen_reasons_are_sent_again(tmp_path: Path, content: str, ask_again: tuple[str, ...], sent: bool) -> None:
    spec = scoring(tmp_path, "run-2", ask_again)
    record_answer(spec, "run-1", content)
    assert isinstance(looked_up(spec), ScoredRow) is not sent


def test_the_new_answer_counts_and_is_not_requested_a_third_time(tmp_path: Path) -> None:
    spec = scoring(tmp_path, "run-2", ("not_a_number",))
    record_answer(spec, "run-1", "no idea")
    record_answer(spec, "run-2", "still none")
    found = looked_up(spec)  # as after the death of a worker
    assert isinstance(found, ScoredRow)
    assert found.replies[0].content == "still none"


def test_an_answer_that_a_check_refused_is_sent_again_for_its_reason(tmp_path: Path) -> None:
    acceptance = AcceptanceSpec((LengthCheck(max_characters=2),))
    record_answer(scoring(tmp_path, "run-1", ()), "run-1", "1234")
    assert isinstance(looked_up(scoring(tmp_path, "run-2", ("too_long",))), ScoredRow)
    assert isinstance(looked_up(scoring(tmp_path, "run-2", ("too_short",)), acceptance), ScoredRow)
    found = looked_up(scoring(tmp_path, "run-2", ("too_long",)), acceptance)
    assert found == (a_request(), ())
