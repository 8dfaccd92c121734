"""How often a teacher's answers agree with the rows' labels."""

from __future__ import annotations

from beam_distill.after_run.report.counting import Tally
from transforms.elements.counted import counted
from transforms.elements.tasks import TaskType
from transforms.prompts.comparable import certain_number, plain_text


class Agreement:
    """Compares answers with labels.

    If a task's answers are numbers, values are compared where both are certain; otherwise the texts (``prompts.comparable``).
    """

    def __init__(self, task: TaskType | None = None) -> None:
        self._task = task
        self._answers = Tally()
        self._labels = Tally()
        self._numbers = 0
        self.same = 0

    def add(self, answer: str, label: str) -> bool:
        """Count an answer to a row with a label. Returns whether they agree."""
        given, wanted = self._number(answer), self._number(label)
        self._numbers += wanted is not None
        if given is None or wanted is None:
            given, wanted = plain_text(answer), plain_text(label)
        self._answers.add(given)
        self._labels.add(wanted)
        self.same += given == wanted
        return given == wanted

    @property
    def total(self) -> int:
        """Answers to rows with a label."""
        return self._labels.total

    @property
    def comparable(self) -> bool:
        """Whether labels and answers have the same form. False if no answer was ever one of the labels, unless these are numbers."""
        return bool(self.same or self._numbers) or not self._labels.counts.keys().isdisjoint(self._answers.counts)

    @property
    def sentence(self) -> str:
        """How many answers agree with their label, as text; empty if no row has a label."""
        if not self.total:
            return ""
        if self.comparable:
            return f"{self.same / self.total:.1%} of the {counted(self.total, 'answer')} to rows with a label agree with it"
        return f"the labels of {counted(self.total, 'row')} have another form than the answers ({self.a_label[:40]!r}) and were not compared"

    @property
    def a_label(self) -> str:
        """The most frequent label; empty without one."""
        return next((label for label, _ in self._labels.top(1)), "")

    def _number(self, text: str) -> str | None:
        if self._task is None or not self._task.answers_are_numbers:
            return None
        return certain_number(text)
