"""Looks at every answer that is paid for, once, for all signs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from transforms.elements.replies import TeacherReply
from transforms.teacher.in_progress import RowInProgress
from transforms.teacher.signs.answers_alike import AnswersAlike
from transforms.teacher.signs.cached_answers import CachedAnswers
from transforms.teacher.signs.cut_prompts import CutPrompts
from transforms.teacher.signs.echoed_prompts import EchoedPrompts
from transforms.teacher.signs.framed_answers import FramedAnswers
from transforms.teacher.signs.invented_turns import InventedTurns
from transforms.teacher.signs.other_models import OtherModels
from transforms.teacher.signs.stopped_at_limit import StoppedAtLimit


class SignWatch:
    """``counts`` has the answers with a sign since the session began, by the counter's name (``elements.counter_names``). A judge's verdicts are
    ``often_alike``."""

    def __init__(self, endpoints: Sequence[str], max_new_tokens: int = 0, often_alike: bool = False) -> None:
        of_all = (InventedTurns(), EchoedPrompts(), FramedAnswers(), StoppedAtLimit(max_new_tokens))
        self._signs = {
            name: (OtherModels(number), CutPrompts(), CachedAnswers(), *(() if often_alike else (AnswersAlike(),)), *of_all)
            for number, name in enumerate(endpoints, 1)
        }
        self.counts: Counter[str] = Counter()

    def answered(self, endpoint: str, row: RowInProgress, reply: TeacherReply) -> None:
        """The named endpoint has answered the current request of ``row``."""
        for sign in self._signs[endpoint]:
            sign.look(row, reply, self.counts)
