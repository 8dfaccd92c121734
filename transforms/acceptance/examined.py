"""The result of the replies to one sample, as far as the checks can say without the judge."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from transforms.acceptance.base import Check, CheckRefused, Sample
from transforms.acceptance.judge import JudgeCheck
from transforms.elements.replies import TeacherReply
from transforms.elements.rows import PromptRequest
from transforms.prompts.base import AnswerRejected, Prompt
from transforms.prompts.progress import extract_answer


class Refused(NamedTuple):
    """Why replies give no example: the turn, counted from 0, with the reason and what was found. ``answers``: those that a check refused."""

    turn: int
    reason: str
    detail: str
    answers: tuple[str, ...] = ()


class Unjudged(NamedTuple):
    """Answers that the checks before the judge accept, and what to ask it about them."""

    answers: tuple[str, ...]
    question: PromptRequest


Found = tuple[str, ...] | Refused | Unjudged
"""The result of the replies to a sample: the answers so far, accepted if they are complete."""


def examined(prompt: Prompt, checks: tuple[Check, ...], request: PromptRequest, replies: tuple[TeacherReply, ...]) -> Found:
    answers: list[str] = []
    for reply in replies:
        try:
            answers.append(extract_answer(prompt, request.turns[reply.turn], reply))
        except AnswerRejected as rejected:
            return Refused(reply.turn, rejected.reason, rejected.detail)
    sample = Sample(request, tuple(answers))
    if len(answers) == len(request.turns):
        try:
            for check in checks:
                if isinstance(check, JudgeCheck):
                    return Unjudged(sample.answers, check.question(sample))
                check.examine(sample)
        except CheckRefused as refused:
            return Refused(refused.turn, refused.reason, refused.detail, sample.answers)
    return sample.answers


class _Memory:
    """The results of the latest samples, without their replies: reasoning may be long. Shared by the threads of a process."""

    def __init__(self, most: int = 4096) -> None:
        self._most = most
        self._known: OrderedDict[tuple[str, int], Found] = OrderedDict()
        self._lock = threading.Lock()

    def examined(self, prompt: Prompt, checks: tuple[Check, ...], request: PromptRequest, replies: tuple[TeacherReply, ...]) -> Found:
        """As ``examined``."""
        key = request.row.row_key, hash((prompt, checks, request, replies))
        with self._lock:
            known = self._known.get(key)
        if known is None:
            known = examined(prompt, checks, request, replies)
            with self._lock:
                self._known[key] = known
                if len(self._known) > self._most:
                    self._known.popitem(last=False)
        return known


MEMORY = _Memory()
