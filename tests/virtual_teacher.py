"""Rows through the engine in virtual time: a teacher that is a function, a ledger that is a list."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from virtual_time import run_in_virtual_time

from transforms.elements.failures import FailureKind, RequestFailure
from transforms.elements.replies import FailureRecord, LedgerRecord, ScoredRow, TeacherReply
from transforms.elements.rows import ChatMessage, PromptRequest, RowOrigin, Split, TrainingRow
from transforms.teacher.client import AttemptResult
from transforms.teacher.dispatch import Dispatcher, JudgeDispatcher
from transforms.teacher.engine_counts import Snapshot
from transforms.teacher.enough import AcceptedRows
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.row_steps import RowSteps
from transforms.teacher.samples import NextSample
from transforms.teacher.specs import ConcurrencySpec, EndpointSpec, PatienceSpec, PoolMember, SamplingSpec, ScoringSpec
from transforms.teacher.stream_spec import StreamAsk

HANGS = 1e9
"""A latency in seconds that is longer than every patience."""

Teacher = Callable[["Asked"], "AttemptResult | float"]


@dataclass(frozen=True)
class Asked:
    """One request as the teacher sees it: ``row`` is the number of the row, None for a question that is no row's; ``endpoint`` who is asked,
    ``ask`` how a stream is asked for."""

    row: int | None
    body: dict[str, object]
    now_s: float
    number: int
    endpoint: str = "teacher"
    ask: StreamAsk | None = None


@dataclass
class Played:
    """The result."""

    rows: list[ScoredRow] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    answers: list[LedgerRecord] = field(default_factory=list)
    verdicts: list[LedgerRecord] = field(default_factory=list)
    failures: list[FailureRecord] = field(default_factory=list)
    ended_s: float = 0.0
    snapshot: Snapshot | None = None
    stopped: str | None = None

    def reasons(self) -> dict[str, int]:
        """How rows ended, by failure kind, ``answered`` or ``not_sent``."""
        found: dict[str, int] = {}
        for row in self.rows:
            name = "not_sent" if row.stopped else row.failure.kind.value if row.failure else "answered"
            found[name] = found.get(name, 0) + 1
        return found


def answer(text: str = "4", latency_s: float = 0.1) -> AttemptResult:
    return AttemptResult(1000 * latency_s, reply=TeacherReply(0, text, None, "stop", 10, 5, 1, 1000 * latency_s), body=b'{"choices":[]}')


def failed(kind: FailureKind, status: int | None = None, said: str = "", latency_s: float = 0.05, **more: object) -> AttemptResult:
    body = said.encode() if status == 200 else b""
    return AttemptResult(1000 * latency_s, body=body, failure=RequestFailure(kind, f"status {status}", status, said, **more))  # type: ignore[arg-type]


def prompt(number: int, words: int = 6) -> PromptRequest:
    messages = (ChatMessage("user", f"row {number}: " + "word " * words),)
    row = TrainingRow(f"row-{number}", RowOrigin(Split.TRAIN, "rows.jsonl", number + 1, number), messages)
    return PromptRequest(row, (messages,), (None,))


def _question(request: PromptRequest, replies: tuple[TeacherReply, ...]) -> PromptRequest | None:
    """The judge's question about a row is the row; it has been asked where there is a reply after the teacher's."""
    latest = replies[-1].sample
    own = [reply for reply in replies if reply.sample == latest]
    return request if len(own) == len(request.turns) else None


def _member(name: str, special: dict[str, Any]) -> PoolMember:
    return PoolMember(name, **{"endpoint": EndpointSpec(f"http://{name}/v1/chat/completions", "m"), **special})


def play(
    teacher: Teacher | dict[str, Teacher],
    rows: int,
    at_most_s: float = 3600.0,
    patience: PatienceSpec | None = None,
    sampling: SamplingSpec | None = None,
    concurrency: ConcurrencySpec | None = None,
    words: int = 6,
    members: dict[str, dict[str, Any]] | None = None,
    next_sample: NextSample | None = None,
    judge: Teacher | None = None,
    accepted: AcceptedRows | None = None,
    on_ledger: tuple[TeacherReply, ...] = (),
    **more: object,
) -> Played:
    """Send ``rows`` rows to ``teacher``, which gives a result (its latency passes first) or seconds to hang.

    Several teachers, by name, are one pool; ``members`` holds what is special about each, as for PoolMember; ``next_sample`` which
    samples a row needs. ``judge`` is asked about every answer. ``accepted`` counts accepted rows; each row has the replies ``on_ledger``.
    ``more`` are fields of the spec.
    """
    teachers = teacher if isinstance(teacher, dict) else {"teacher": teacher}
    endpoints = {**teachers, **({} if judge is None else {"judge": judge})}
    played = Played()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        all_out = asyncio.Event()

        class Client:
            def __init__(self, name: str) -> None:
                self._name = name

            async def send(self, body: bytes, turn: int, attempts: int, ask: StreamAsk | None = None) -> AttemptResult:
                fields = json.loads(body)
                text = fields["messages"][-1]["content"]
                row = int(text.split(":")[0].removeprefix("row ")) if text.startswith("row ") else None
                asked = Asked(row, fields, loop.time(), len(played.asked), self._name, ask)
                played.asked.append(asked)
                result = endpoints[self._name](asked)
                if isinstance(result, float):
                    await asyncio.sleep(result if ask is None else min(result, ask.first_token_s))
                    if ask is not None:
                        return failed(FailureKind.TIMED_OUT, latency_s=ask.first_token_s)
                    raise AssertionError("waited for ever")
                await asyncio.sleep(result.latency_ms / 1000.0)
                return result

            def refresh_credential(self) -> bool:
                return False

            async def close(self) -> None:
                pass

        class Ledger:
            def __init__(self, name: str) -> None:
                self._name = name

            def put(self, record: LedgerRecord | FailureRecord, token: RowInProgress | None) -> None:
                if isinstance(record, LedgerRecord):
                    (played.verdicts if self._name == "judge" else played.answers).append(record)
                else:
                    played.failures.append(record)
                loop.call_later(0.01, engines[self._name].recorded, [token])

        def deliver(row: ScoredRow) -> None:
            played.rows.append(row)
            if len(played.rows) == rows:
                all_out.set()

        defects: list[BaseException] = []

        def on_defect(error: BaseException) -> None:
            defects.append(error)
            all_out.set()

        spec = ScoringSpec(
            endpoint=EndpointSpec("http://teacher/v1/chat/completions", "m"),
            sampling=sampling or SamplingSpec(),
            concurrency=concurrency or ConcurrencySpec(),
            patience=patience or PatienceSpec(),
            ledger_dir="ledger",
            failures_dir="failures",
            run_id="run",
            seed=1,
            pool=tuple(_member(name, (members or {}).get(name, {})) for name in teachers) if len(teachers) > 1 else (),
            **more,  # type: ignore[arg-type]
        )
        steps = RowSteps(lambda request, replies: None, next_sample, question=_question, accepted=accepted)
        dispatcher = Dispatcher(spec, [Client(name) for name in teachers], Ledger("teacher"), steps, on_defect)
        engines: dict[str, Dispatcher] = {"teacher": dispatcher}
        if judge is not None:
            budget = dispatcher.budget.for_judge(spec.sampling.max_new_tokens)
            judges = replace(spec, pool=(), is_judge=True)
            steps = RowSteps(lambda request, replies: None)
            judging = JudgeDispatcher(judges, [Client("judge")], Ledger("judge"), steps, on_defect, budget)
            engines["judge"] = judging
            dispatcher.judged_by(judging)
        dispatcher.submit([RowInProgress(prompt(number, words), deliver, on_ledger) for number in range(rows)])
        await all_out.wait()
        played.ended_s = loop.time()
        played.snapshot = dispatcher.snapshot()
        played.stopped = dispatcher.stopped.detail if dispatcher.stopped else None
        await asyncio.sleep(0.1)
        for engine in engines.values():
            await engine.close()
        if defects:
            raise defects[0]

    run_in_virtual_time(main(), at_most_s)
    return played
