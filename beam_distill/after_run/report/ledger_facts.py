"""The report's facts from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from beam_distill.after_run.report.agreement import Agreement
from beam_distill.after_run.report.counting import FixedSample, LogHistogram, Tally, TimeBins
from beam_distill.after_run.report.same_requests import SameRequests
from beam_distill.work_dir.records import RunCounts, records_and_current
from transforms.elements.rows import ChatMessage
from transforms.ledger.segments import TornSegment
from transforms.prompts.base import AnswerRejected, Prompt
from transforms.prompts.progress import extract_answer
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec
from transforms.prompts.token_limit import is_cut_off
from transforms.teacher.kinds.registry import plain_request
from transforms.teacher.payload import token_limit_in
from transforms.teacher.response import BrokenBody, read_reply

EXAMPLES = 12
REJECTS_PER_REASON = 5
Sampled = tuple[str, int, int]
"""A request on the ledger: row, sample and turn."""


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What was read in one reply: the answer, or the reason why there is none."""

    content: str | None
    answer: str | None
    reason: str | None
    detail: str = ""


@dataclass(slots=True)
class LedgerFacts:
    """Everything the report shows from the ledger. ``examples`` are pairs of a record and what was read in it.

    Labels, lengths, unusable answers and examples are those of current records; ``superseded`` are all others. ``refused`` has the records
    of the refused samples to read.
    """

    runs: defaultdict[str, RunCounts] = field(default_factory=lambda: defaultdict(RunCounts))
    endpoints: defaultdict[str, RunCounts] = field(default_factory=lambda: defaultdict(RunCounts))
    splits: dict[str, int] = field(default_factory=dict)
    latency_ms: LogHistogram = field(default_factory=LogHistogram)
    prompt_tokens: LogHistogram = field(default_factory=LogHistogram)
    completion_tokens: LogHistogram = field(default_factory=LogHistogram)
    answer_characters: LogHistogram = field(default_factory=LogHistogram)
    labels: Tally = field(default_factory=Tally)
    superseded: int = 0
    unusable: Tally = field(default_factory=Tally)
    answered: TimeBins = field(default_factory=TimeBins)
    sent: TimeBins = field(default_factory=TimeBins)
    agreement: Agreement = field(default_factory=Agreement)
    disagreements: FixedSample[tuple[dict[str, Any], ReadAnswer]] = field(default_factory=lambda: FixedSample(EXAMPLES))
    examples: FixedSample[tuple[dict[str, Any], ReadAnswer]] = field(default_factory=lambda: FixedSample(EXAMPLES))
    unusable_examples: dict[str, FixedSample[tuple[dict[str, Any], ReadAnswer]]] = field(default_factory=dict)
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[Sampled, dict[str, Any]] = field(default_factory=dict)
    same: SameRequests = field(default_factory=SameRequests)
    torn: list[TornSegment] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """All records."""
        return sum(run.answers for run in self.runs.values())


def answer_reader(spec: PromptSpec | None) -> Callable[[dict[str, Any]], ReadAnswer]:
    """A function that reads the answer in a record; without a task, its text is the answer."""
    prompt: Prompt | None = None if spec is None else prompt_for(spec)

    def read(record: dict[str, Any]) -> ReadAnswer:
        try:
            reply = read_reply(record["response"], record["turn"], record["attempts"], record["latency_ms"])
        except BrokenBody as broken:
            return ReadAnswer(None, None, "broken_body", str(broken))
        if prompt is None:
            return ReadAnswer(reply.content, reply.content, None)
        if is_cut_off(reply):
            limit = token_limit_in(record["payload"])
            reply = reply._replace(token_limit=limit if limit != prompt.rules.max_new_tokens else None)
        try:
            return ReadAnswer(reply.content, extract_answer(prompt, _asked(record), reply), None)
        except AnswerRejected as rejected:
            return ReadAnswer(reply.content, None, rejected.reason, rejected.detail)

    return read


def _asked(record: dict[str, Any]) -> tuple[ChatMessage, ...]:
    """The messages of a record's request."""
    return tuple(ChatMessage(message["role"], message["content"]) for message in plain_request(record["payload"])["messages"])


class ToRead(NamedTuple):
    """What the ledger is asked for besides counts: the last request of the rows with the keys ``questions_of``; the ``refused`` samples; the
    ``accepted`` ones (row and number), of which examples are taken, None if every usable answer is an example."""

    questions_of: frozenset[str] = frozenset()
    refused: frozenset[Sampled] = frozenset()
    accepted: frozenset[tuple[str, int]] | None = None


def gather(ledger_dir: str, spec: PromptSpec | None, run_id: str, to_read: ToRead | None = None) -> LedgerFacts:
    """Read the whole ledger. ``run_id`` is the run for the charts over time."""
    to_read = to_read or ToRead()
    task = spec.task if spec is not None and spec.task.is_labelled else None
    facts = LedgerFacts(agreement=Agreement(task))
    read = answer_reader(spec)
    for record, is_current in records_and_current(ledger_dir, facts.torn):
        _count_request(facts, record, run_id)
        if not is_current:
            facts.superseded += 1
            continue
        facts.same.add(record)
        if record["row_key"] in to_read.questions_of:
            facts.questions[record["row_key"]] = record
        sampled = (record["row_key"], record["sample"] or 0)
        if (*sampled, record["turn"]) in to_read.refused:
            facts.refused[(*sampled, record["turn"])] = record
        _count_answer(facts, record, read(record), task is not None, to_read.accepted is None or sampled in to_read.accepted)
    return facts


def _count_request(facts: LedgerFacts, record: dict[str, Any], run_id: str) -> None:
    facts.runs[record["run_id"]].add(record)
    if record["endpoint"] is not None:
        facts.endpoints[record["endpoint"]].add(record)
    facts.splits[record["split"]] = facts.splits.get(record["split"], 0) + 1
    if record["run_id"] == run_id:
        facts.sent.add(record["sent_at_ms"] / 1000)
        facts.answered.add(record["answered_at_ms"] / 1000)
    facts.latency_ms.add(record["latency_ms"])
    if record["prompt_tokens"] is not None:
        facts.prompt_tokens.add(record["prompt_tokens"])
    if record["completion_tokens"] is not None:
        facts.completion_tokens.add(record["completion_tokens"])


def _count_answer(facts: LedgerFacts, record: dict[str, Any], found: ReadAnswer, labelled: bool, is_example: bool) -> None:
    if found.reason is not None:
        facts.unusable.add(found.reason)
        sample = facts.unusable_examples.setdefault(found.reason, FixedSample(REJECTS_PER_REASON))
        sample.offer(f"{record['row_key']} {record['turn']}", (record, found))
        return
    facts.answer_characters.add(len(found.answer or ""))
    if labelled and found.answer is not None:
        facts.labels.add(found.answer)
        if record["reference_answer"] and not facts.agreement.add(found.answer, record["reference_answer"]):
            facts.disagreements.offer(record["row_key"], (record, found))
    if is_example and facts.examples.wants(record["row_key"]):
        facts.examples.offer(record["row_key"], (record, found))


def rejects_of(facts: LedgerFacts) -> dict[str, list[dict[str, Any]]]:
    """A few unusable answers of each reason, with the fields of rejects.jsonl; used if that file does not exist."""
    rejects: dict[str, list[dict[str, Any]]] = {}
    for reason in sorted(facts.unusable_examples):
        for record, found in facts.unusable_examples[reason].values():
            facts.questions[record["row_key"]] = record
            names = ("split", "file", "line", "row_key", "attempts")
            reject = {**{name: record[name] for name in names}, "reason": reason, "detail": found.detail, "raw_answer": found.content}
            rejects.setdefault(reason, []).append(reject)
    return rejects


def messages_of(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Role and text of the sent messages; unreadable ones unchanged."""
    try:
        messages = plain_request(record["payload"])["messages"]
        return [(str(message["role"]), str(message["content"])) for message in messages]
    except (ValueError, KeyError, TypeError):
        return [("request", record["payload"])]
