"""Everything that was paid for: the teacher's answers and, if there is a judge, its verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from transforms.elements.replies import TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.ledger.object_storage import storage_for
from transforms.ledger.segments import TornSegment
from transforms.reuse.answer_index import AnswerIndex
from transforms.reuse.lookup import LedgerLookup
from transforms.teacher.specs import ScoringSpec


class PaidAnswers:
    """The ledger as the specs of a run read it. ``find`` finds the teacher's replies, ``verdicts`` the judge's. ``with_bodies``: the teacher's
    have their whole response."""

    def __init__(self, scoring: ScoringSpec, with_bodies: bool = False) -> None:
        self.answers = AnswerIndex(scoring.ledger_dir, storage_for(scoring.ledger_dir, scoring.sealing), with_bodies)
        self.find = LedgerLookup(self.answers, scoring.endpoint, scoring.sampling)
        self._judge = None if scoring.judge is None else PaidAnswers(scoring.judge)

    def __len__(self) -> int:
        return len(self.answers)

    def __call__(self, request: PromptRequest, turn: int, answers: tuple[str, ...], sample: int = 0) -> Iterator[TeacherReply]:
        """As ``LedgerLookup``."""
        return self.find(request, turn, answers, sample)

    def verdicts(self, question: PromptRequest, sample: int) -> Iterator[TeacherReply]:
        """The judge's replies to a question about one sample, the current one first."""
        return iter(()) if self._judge is None else self._judge.find(question, 0, (), sample)

    def verdict_asked_by(self, question: PromptRequest, sample: int) -> str | None:
        """The id of the run that got the current verdict; None without one."""
        return None if self._judge is None else self._judge.find.asked_by(question, (), sample)

    def refresh(self) -> None:
        """Take in what was recorded since."""
        self.answers.refresh()
        self.find.take_in()
        if self._judge is not None:
            self._judge.refresh()

    def write_indexes(self) -> None:
        """As ``AnswerIndex.write_indexes``."""
        self.answers.write_indexes()
        if self._judge is not None:
            self._judge.write_indexes()

    def repeated(self, run_id: str) -> int:
        """Answers and verdicts of one run beyond the first to the same request."""
        return self.answers.repeated(run_id) + (0 if self._judge is None else self._judge.repeated(run_id))

    @property
    def torn(self) -> list[TornSegment]:
        """Segments of which something could not be read, as far as it was looked at."""
        return self.answers.torn + ([] if self._judge is None else self._judge.torn)

    def close(self) -> None:
        """Release the files."""
        self.answers.close()
        if self._judge is not None:
            self._judge.close()
