"""Input rows, requests, and the two ways a row can end.

Values made for every row are named tuples: a frozen data class takes three times as long to make.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from transforms.elements.log_probabilities import AnswerTokens


class Split(str, Enum):
    """The two datasets of a run."""

    TRAIN = "train"
    VALIDATION = "validation"


class ChatMessage(NamedTuple):
    """One message of a chat: ``role`` is system, user or assistant; ``content`` is text."""

    role: str
    content: str


class RowOrigin(NamedTuple):
    """Where a row is in the input: enough to open the file at the line.

    ``line`` is 1-based within ``file``; ``ordinal`` is 0-based over all lines of the split that are not blank and gives the
    output order.
    """

    split: Split
    file: str
    line: int
    ordinal: int


class TrainingRow(NamedTuple):
    """One well-formed input row.

    ``row_key`` identifies the row across runs: split, content and how many equal rows came before it. It stays with the row from the
    first stage to the last; two equal rows have two keys. ``columns`` is a JSON object with the row's other columns, empty if they are not
    asked for.
    """

    row_key: str
    origin: RowOrigin
    messages: tuple[ChatMessage, ...]
    columns: bytes = b""


def is_repeat(row_key: str | None) -> bool:
    """Whether a row with this key is the exact repeat of an earlier row of its split: keys end in how many equal ones came before."""
    return row_key is not None and not row_key.endswith("-0")


def sample_key(row_key: str, sample: int) -> str:
    """What identifies one sample of a row: the first has the row's own key, which it has in a job that asks once."""
    return f"{row_key}/{sample}" if sample else row_key


class PromptRequest(NamedTuple):
    """What the teacher is asked for one row, turn by turn.

    ``turns[0]`` is sent first; ``turns[i]`` follows the teacher's answer to turn ``i - 1``. A single-turn row has one
    turn. ``references[i]`` is the input's label for turn ``i``, or None.
    """

    row: TrainingRow
    turns: tuple[tuple[ChatMessage, ...], ...]
    references: tuple[str | None, ...]

    def messages_for_turn(self, turn: int, answers: tuple[str, ...]) -> tuple[ChatMessage, ...]:
        """The messages of request ``turn``, given the teacher's answers to all turns before it."""
        messages = list(self.turns[0])
        for earlier in range(turn):
            messages.append(ChatMessage("assistant", answers[earlier]))
            messages.extend(self.turns[earlier + 1])
        return tuple(messages)


class Tries(NamedTuple):
    """How an example was found: the number of its ``sample``, from 0, among ``examined`` samples of the row, of which the checks accepted
    ``accepted``.

    Samples that were asked ahead and not needed do not count. ``votes``: how many samples gave this answer; None without a vote. ``scores``:
    what checks that give a score gave the answer, by the check's name.
    """

    sample: int
    examined: int
    accepted: int
    votes: int | None = None
    scores: tuple[tuple[str, float], ...] = ()


class DistilledExample(NamedTuple):
    """One row of the finished dataset: the row's own messages with the teacher's answers in place.

    ``reasoning`` has the teacher's reasoning before each of its answers, in order; it is empty if the job does not keep it. ``tries`` says
    how it was found among the row's samples, ``columns`` are the row's; both are for the dataset's metadata. ``logprobs`` has the tokens of
    each of the teacher's answers, None where they are not known; it is empty if the job does not keep them.
    """

    row_key: str
    origin: RowOrigin
    messages: tuple[ChatMessage, ...]
    reasoning: tuple[str | None, ...] = ()
    tries: Tries | None = None
    columns: bytes = b""
    logprobs: tuple[AnswerTokens | None, ...] = ()


class PreferencePair(NamedTuple):
    """Two answers to one row: the one that was chosen, and one that was refused for ``reason``."""

    chosen: DistilledExample
    rejected: DistilledExample
    reason: str


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that gave no example, and why.

    ``reason`` is a code from ``elements.reasons``; ``detail`` describes it for the user; ``raw_answer`` is the teacher's text, if there is
    any. ``row_key`` is None for a line that never became a row.
    """

    origin: RowOrigin
    reason: str
    detail: str
    row_key: str | None = None
    attempts: int = 0
    raw_answer: str | None = None
