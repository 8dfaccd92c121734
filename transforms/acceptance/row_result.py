"""The result of a finished row: its example, or its reject.

Only this file decides: for counting, for writing datasets, for asking again and for a pilot.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

from transforms.acceptance.base import Check, CheckRefused, Sample
from transforms.acceptance.examined import MEMORY, Found, Refused, Unjudged, examined
from transforms.acceptance.judge import JudgeCheck
from transforms.acceptance.label import LabelCheck
from transforms.acceptance.registry import JUDGE
from transforms.acceptance.selection import Choice, CompleteSample, SelectionSpec
from transforms.acceptance.spec import AcceptanceSpec
from transforms.elements import reasons
from transforms.elements.counted import counted
from transforms.elements.failures import StopCause
from transforms.elements.replies import ScoredRow, TeacherReply
from transforms.elements.rows import DistilledExample, PromptRequest, RejectedRow, Tries
from transforms.elements.sample_tally import LONGEST_DETAIL, RefusedSample, RowSamples
from transforms.elements.tasks import TaskType
from transforms.prompts.base import Prompt
from transforms.prompts.comparable import comparable
from transforms.prompts.progress import answers_for_next_turn, replies_on_ledger
from transforms.prompts.registry import prompt_for
from transforms.prompts.spec import PromptSpec

LONGEST_RAW_ANSWER = 20_000


class Kept(NamedTuple):
    """A sample that becomes an example: its answers, one for each turn, the replies that they are in, and how it was found."""

    answers: tuple[str, ...]
    replies: tuple[TeacherReply, ...]
    tries: Tries


class RefusedAnswers(NamedTuple):
    """A sample with usable answers that did not become an example, and the reason."""

    sample: Kept
    reason: str


class RowResult(NamedTuple):
    """The samples of a row that become examples, at least one, or why it gives none; and what the checks said of all its samples."""

    ended: tuple[Kept, ...] | RejectedRow
    samples: RowSamples | None


class _Sample(NamedTuple):
    """One sample of a row, answered to its end or not. ``replies`` includes the verdict on it, ``teachers`` are those without."""

    number: int
    replies: tuple[TeacherReply, ...]
    found: Found
    score: float | None = None

    def teachers(self, request: PromptRequest) -> tuple[TeacherReply, ...]:
        return self.replies[: len(request.turns)]


@dataclass(frozen=True, slots=True)
class RowRules:
    """The rules of a run for the result of a row: how its prompt reads an answer, its checks in their order, and which of several samples are
    kept."""

    prompt: Prompt
    checks: tuple[Check, ...] = ()
    selection: SelectionSpec = SelectionSpec()
    task: TaskType | None = None
    until_accepted: int | None = None

    def example_or_reject(self, scored: ScoredRow) -> DistilledExample | RejectedRow:
        """The result of a row; of several examples the first."""
        ended = self.kept_or_reject(scored)
        return ended if isinstance(ended, RejectedRow) else self.example(scored.request, ended[0])

    def example(self, request: PromptRequest, kept: Kept) -> DistilledExample:
        """The example of a row with accepted answers."""
        row = request.row
        return DistilledExample(row.row_key, row.origin, self.prompt.example(request, kept.answers), tries=kept.tries, columns=row.columns)

    def is_accepted(self, scored: ScoredRow) -> bool:
        """Whether a finished row gives an example."""
        return scored.failure is None and scored.stopped is None and not isinstance(self.kept_or_reject(scored), RejectedRow)

    def is_unfinished(self, scored: ScoredRow) -> bool:
        """Whether a row that is not sent in this run has requests left."""
        ended = self.kept_or_reject(scored)
        return isinstance(ended, RejectedRow) and ended.reason == reasons.NOT_SENT

    def kept_or_reject(self, scored: ScoredRow) -> tuple[Kept, ...] | RejectedRow:
        """The samples of a row that become examples, at least one, or why it gives none."""
        only = self._only_sample(scored)
        if only is not None:
            return (only,)
        samples = self._samples(scored.request, scored.replies)
        complete = self._complete(scored.request, samples)
        return self._ended(scored, samples, complete, self.selection.choose(complete))

    def result(self, scored: ScoredRow) -> RowResult:
        """The result of a row, with what the checks said of its samples if it may have several or there are checks."""
        if not self.checks and not self.asks_several:
            return RowResult(self.kept_or_reject(scored), None)
        samples = self._samples(scored.request, scored.replies)
        complete = self._complete(scored.request, samples)
        choice = self.selection.choose(complete)
        ended = self._ended(scored, samples, complete, choice)
        return RowResult(ended, self._row_samples(scored.request, samples, self._looked_at(complete, choice), ended))

    def _only_sample(self, scored: ScoredRow) -> Kept | None:
        """The sample of a row that may have only one, if it is accepted. The usual case: without a choice it takes half the time."""
        if self.checks or self.asks_several or not scored.replies:
            return None
        found = self.examine(scored.request, scored.replies)
        if isinstance(found, (Refused, Unjudged)) or len(found) < len(scored.request.turns):
            return None
        return Kept(found, scored.replies, Tries(0, 1, 1))

    def _row_samples(
        self, request: PromptRequest, samples: list[_Sample], looked_at: frozenset[int], ended: tuple[Kept, ...] | RejectedRow
    ) -> RowSamples:
        """The samples that the choice looked at: a rerun does not see those that were asked ahead beyond them."""
        key = request.row.row_key
        refused = [(one.number, one.found) for one in samples if isinstance(one.found, Refused) and one.number in looked_at]
        last = len(request.turns) - 1  # a verdict that cannot be read is about the answer to it
        first = next(
            (RefusedSample(key, number, min(found.turn, last), found.reason, found.detail[:LONGEST_DETAIL]) for number, found in refused), None
        )
        agrees, reasons_found = self._agrees(request, ended), tuple(found.reason for _, found in refused)
        if isinstance(ended, RejectedRow):
            return RowSamples(len(looked_at), reasons_found, agrees, first)
        tries = ended[0].tries
        return RowSamples(len(looked_at), reasons_found, agrees, first, (key, tries.sample), tries.votes)

    def refused_beside(self, request: PromptRequest, replies: tuple[TeacherReply, ...], chosen: Kept) -> RefusedAnswers | None:
        """The first sample whose usable answers a check refused or the vote did not choose, if they differ from the chosen ones.

        Like the choice it does not depend on samples that were asked ahead and not needed.
        """
        samples = self._samples(request, replies)
        complete = {one.sample: one for one in self._complete(request, samples)}
        choice = self.selection.choose(complete.values())
        beside = self._looked_at(complete.values(), choice).difference(choice.kept)
        for one in (one for one in samples if one.number in beside):
            if isinstance(one.found, Refused):
                answers, reason = one.found.answers, one.found.reason
            elif (
                not isinstance(one.found, Unjudged)
                and self.selection.votes is not None
                and complete[one.number].answer != complete[chosen.tries.sample].answer
            ):
                answers, reason = one.found, reasons.NO_AGREEMENT
            else:
                continue
            if answers and answers != chosen.answers:
                return RefusedAnswers(Kept(answers, one.teachers(request), self._tries(choice, one, complete[one.number].answer)), reason)
        return None

    @staticmethod
    def _looked_at(complete: Iterable[CompleteSample], choice: Choice) -> frozenset[int]:
        """The numbers of the samples that a choice is about."""
        return frozenset(sorted(one.sample for one in complete)[: choice.examined])

    def examine(self, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> Found:
        """The answers in the replies to the first turns of one sample; checked when they are complete."""
        return self._with_score(request, replies)[0]

    def _with_score(self, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> tuple[Found, float | None]:
        """The same, and the judge's score if it accepts them."""
        own = replies[: len(request.turns)]
        if self.checks and self._asks_often:  # asked about several times, and a check may take time
            found = MEMORY.examined(self.prompt, self.checks, request, own)
        else:
            found = examined(self.prompt, self.checks, request, own)
        if not isinstance(found, Unjudged) or len(replies) == len(own) or self.referee is None:
            return found, None
        sample = Sample(request, found.answers)
        try:
            score = self.referee.check_score(sample, replies[-1])
            for check in self.checks[self.checks.index(self.referee) + 1 :]:
                check.examine(sample)
        except CheckRefused as refused:
            return Refused(refused.turn, refused.reason, refused.detail, found.answers), None
        return found.answers, score

    @property
    def _asks_often(self) -> bool:
        """Whether the engine examines samples too, and not only the stages that count and write."""
        return self.asks_several or self.referee is not None or self.until_accepted is not None

    @property
    def referee(self) -> JudgeCheck | None:
        """The check that asks a judge model, if there is one."""
        return next((check for check in self.checks if isinstance(check, JudgeCheck)), None)

    def question(self, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> PromptRequest | None:
        """What to ask the judge about a sample with replies to all its turns; None if it needs no verdict, or has one."""
        found = self.examine(request, replies)
        return found.question if isinstance(found, Unjudged) else None

    @property
    def asks_several(self) -> bool:
        """Whether a row may have several samples."""
        return self.selection.samples > 1

    @property
    def for_engine(self) -> tuple[FindTurn, FindNext | None, Examine | None, FindQuestion | None, FindFault]:
        """What the engine needs to know: a row's next turn; if it may have several samples, which is next; what examines one beforehand, if
        that may take time; what to ask the judge, if there is one, and what is wrong with its reply."""
        examines = bool(self.checks) and self._asks_often
        return (
            self.next_turn,
            self.next_sample if self.asks_several else None,
            self.examine if examines else None,
            self.question if self.referee is not None else None,
            self.referee.fault if self.referee is not None else lambda _: None,
        )

    def next_turn(self, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> tuple[str, ...] | None:
        """The answers to the first turns of a sample if there is another turn to ask; else None."""
        return answers_for_next_turn(self.prompt, request, replies)

    def next_sample(self, request: PromptRequest, replies: tuple[TeacherReply, ...], being_asked: frozenset[int]) -> int | None:
        """The number of the next sample to ask while some are being asked; None if no other can be needed."""
        return self.selection.next_sample(self._complete(request, self._samples(request, replies)), being_asked)

    def replies_on_ledger(self, request: PromptRequest, find: FindSample) -> tuple[tuple[TeacherReply, ...], bool]:
        """The ledger's replies to all samples of a request, and whether no other is needed."""
        replies: tuple[TeacherReply, ...] = ()
        answered = True
        for sample in range(self.selection.samples):
            found, complete = replies_on_ledger(self.prompt, request, partial(find, sample=sample))
            question = self.question(request, found) if complete and self.referee is not None else None
            if question is not None:
                verdict = next(iter(find.verdicts(question, sample)), None)
                complete = verdict is not None
                if verdict is not None:
                    found = (*found, verdict._replace(turn=len(request.turns)))
            replies += found
            answered = answered and complete
            is_last = sample == self.selection.samples - 1
            # with all samples there, none can be missing: they are examined later, and need not be here
            if complete and not (answered and is_last) and self.next_sample(request, replies, frozenset()) is None:
                return replies, True
        return replies, answered

    def turns_left(self, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> list[int]:
        """The turn of every request that may still be sent for a row with these replies, sample by sample."""
        samples = self._samples(request, replies)
        ended = {one.sample for one in self._complete(request, samples)}
        known = {one.number: len(one.replies) for one in samples}
        left = (number for number in range(self.selection.samples) if number not in ended)
        return [turn for number in left for turn in range(known.get(number, 0), len(request.turns))]

    def verdicts_left(self, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> int:
        """How many questions to the judge there may still be for a row with these replies."""
        if self.referee is None:
            return 0
        return self.selection.samples - len(self._complete(request, self._samples(request, replies)))

    def _samples(self, request: PromptRequest, replies: tuple[TeacherReply, ...]) -> list[_Sample]:
        if self.selection.samples == 1:
            return [_Sample(0, replies, *self._with_score(request, replies))] if replies else []
        by_number: dict[int, list[TeacherReply]] = {}
        for reply in replies:
            by_number.setdefault(reply.sample, []).append(reply)
        own = {number: tuple(sorted(found, key=lambda reply: reply.turn)) for number, found in sorted(by_number.items())}
        return [_Sample(number, found, *self._with_score(request, found)) for number, found in own.items()]

    def _complete(self, request: PromptRequest, samples: list[_Sample]) -> list[CompleteSample]:
        """Those that are answered to their end."""
        return [
            CompleteSample(
                one.number,
                None if isinstance(one.found, Refused) else self._vote(one.found),
                _characters(one.teachers(request)),
                one.score or 0.0,
            )
            for one in samples
            if isinstance(one.found, Refused) or (not isinstance(one.found, Unjudged) and len(one.found) == len(request.turns))
        ]

    def _ended(
        self, scored: ScoredRow, samples: list[_Sample], complete: list[CompleteSample], choice: Choice
    ) -> tuple[Kept, ...] | RejectedRow:
        if choice.kept:
            answers = {one.sample: one.answer for one in complete}
            return tuple(
                Kept(one.found, one.teachers(scored.request), self._tries(choice, one, answers[one.number]))
                for one in samples
                if one.number in choice.kept and not isinstance(one.found, (Refused, Unjudged))
            )
        if choice.is_final:
            return self._refused(scored.request, samples, choice.votes)
        return _unanswered(scored, judge_failed=any(isinstance(one.found, Unjudged) for one in samples))

    def _tries(self, choice: Choice, sample: _Sample, answer: str | None) -> Tries:
        votes = choice.votes.get(answer or "", 0) if self.selection.votes is not None else None
        scores = () if sample.score is None else ((JUDGE, sample.score),)
        return Tries(sample.number, choice.examined, sum(choice.votes.values()), votes, scores)

    def _agrees(self, request: PromptRequest, ended: tuple[Kept, ...] | RejectedRow) -> bool | None:
        """Whether the first kept answers equal the row's labels; None without labels or kept answers, or where the task has no short answers."""
        if isinstance(ended, RejectedRow) or self.task is None or not self.task.is_labelled:
            return None
        if any(isinstance(check, LabelCheck) for check in self.checks):
            return any(request.references)  # it compares more forms than the texts below
        pairs = [(answer, label) for answer, label in zip(ended[0].answers, request.references, strict=True) if label]
        return all(comparable(self.task, answer) == comparable(self.task, label) for answer, label in pairs) if pairs else None

    def _vote(self, answers: tuple[str, ...]) -> str:
        """A text that is equal for samples with the same answer; only where they are compared, since finding a number in it takes time."""
        if not self.asks_several:
            return ""
        return "\n".join(answers if self.task is None else (comparable(self.task, answer) for answer in answers))

    def _refused(self, request: PromptRequest, samples: list[_Sample], votes: dict[str, int]) -> RejectedRow:
        """The reject of a row that has all its samples, and none that is kept."""
        row = request.row
        refused = [(one, one.found) for one in samples if isinstance(one.found, Refused)]
        if votes:
            answers = ", ".join(
                f"{answer[:40]!r} {counted(count, 'vote')}" for answer, count in sorted(votes.items(), key=lambda vote: -vote[1])[:5]
            )
            others = f"; {counted(len(refused), 'sample')} refused" if refused else ""
            detail = f"of {counted(len(samples), 'sample')}, {self.selection.votes} must agree: {answers}{others}"
            last = samples[-1].teachers(request)[-1]
            return RejectedRow(row.origin, reasons.NO_AGREEMENT, detail, row.row_key, last.attempts, _raw(last))
        usable = [found.reason for _, found in refused if found.reason in reasons.CHECK_REASONS]
        reason, _ = Counter(usable or [found.reason for _, found in refused]).most_common(1)[0]
        one, found = next((one, found) for one, found in reversed(refused) if found.reason == reason)
        reply = one.replies[found.turn]
        where = f"turn {found.turn + 1}: " if len(request.turns) > 1 else ""
        if len(samples) > 1:
            where = f"none of {len(samples)} samples is accepted; sample {one.number + 1}: {where}"
        return RejectedRow(row.origin, reason, where + found.detail, row.row_key, reply.attempts, _raw(reply))


FindTurn = Callable[[PromptRequest, "tuple[TeacherReply, ...]"], "tuple[str, ...] | None"]
FindNext = Callable[[PromptRequest, "tuple[TeacherReply, ...]", "frozenset[int]"], "int | None"]
Examine = Callable[[PromptRequest, "tuple[TeacherReply, ...]"], object]
FindFault = Callable[[TeacherReply], "str | None"]
FindQuestion = Callable[[PromptRequest, "tuple[TeacherReply, ...]"], "PromptRequest | None"]


class FindSample(Protocol):
    """Finds the ledger's replies."""

    def __call__(self, request: PromptRequest, turn: int, answers: tuple[str, ...], sample: int = 0) -> Iterable[TeacherReply]:
        """The replies to one turn of one sample of a request, the current one first."""
        ...

    def verdicts(self, question: PromptRequest, sample: int) -> Iterable[TeacherReply]:
        """The judge's replies to a question about one sample, the current one first."""
        ...


def rules_for(prompt: PromptSpec, acceptance: AcceptanceSpec) -> RowRules:
    """The rules of a run. Raises ValueError for an invalid combination in ``prompt``."""
    return RowRules(prompt_for(prompt), acceptance.checks, acceptance.selection, prompt.task, acceptance.until_accepted)


def _raw(reply: TeacherReply) -> str | None:
    said = reply.content if reply.content is not None else reply.refusal
    return said[:LONGEST_RAW_ANSWER] if said is not None else None


def _characters(replies: tuple[TeacherReply, ...]) -> int:
    return sum(len(reply.content or "") for reply in replies)


def _unanswered(scored: ScoredRow, judge_failed: bool) -> RejectedRow:
    row, failure = scored.request.row, scored.failure
    last_raw = scored.replies[-1].content if scored.replies else None
    if scored.stopped is not None and scored.stopped.cause is StopCause.ENOUGH_ACCEPTED:
        return RejectedRow(row.origin, reasons.NOT_NEEDED, scored.stopped.detail, row.row_key, scored.attempts, last_raw)
    if failure is not None:
        said = f": {failure.excerpt.strip()}" if failure.excerpt.strip() else ""
        if judge_failed:
            detail = f"the judge gave no reply: {failure.kind.value}, {failure.detail}{said}"
            return RejectedRow(row.origin, reasons.JUDGE_FAILED, detail, row.row_key, scored.attempts, last_raw)
        return RejectedRow(row.origin, failure.kind.value, failure.detail + said, row.row_key, scored.attempts, last_raw)
    detail = scored.stopped.detail if scored.stopped is not None else "the run stopped before this row was finished."
    with_what = " with a higher limit" if scored.stopped is not None and scored.stopped.cause is StopCause.BUDGET_SPENT else ""
    return RejectedRow(row.origin, reasons.NOT_SENT, f"{detail} A rerun{with_what} sends it.", row.row_key, scored.attempts, last_raw)
