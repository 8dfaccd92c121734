"""A judge model gives the answer a score by a rubric, and the score is high enough."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from transforms.acceptance.base import CheckRefused, Sample, WrongSetting
from transforms.acceptance.rubrics import HIGHEST, LOWEST, RUBRICS, material, rubric_template
from transforms.elements import reasons
from transforms.elements.judge_settings import with_judges_settings
from transforms.elements.replies import TeacherReply
from transforms.elements.rows import ChatMessage, PromptRequest
from transforms.elements.tasks import TaskType
from transforms.intake.unusable import UnusableRecord
from transforms.prompts.answers import stated_reason, value_of, visible_text
from transforms.prompts.base import AnswerRejected
from transforms.prompts.embedded_json import matching_keys, read_objects
from transforms.prompts.endings import whole_text

if TYPE_CHECKING:
    from transforms.intake.templates import ColumnTemplate

DEFAULT_LEAST_SCORE = 7.0
_SCORE = re.compile(r"\s*(\d{1,3}(?:\.\d{1,6})?)\s*(?:(?:/|out of|of)\s*10(?:\.0)?)?\s*\Z", re.IGNORECASE)
_PLAIN = re.compile(
    r"^[ \t*_#>\"'{-]*(?:(?:final|overall|total) )?(?:score|rating)[\"'*_ \t]*[:：=][\"'*_ \t\[]*"
    r"(\d{1,3}(?:\.\d{1,6})?)(?:[ \t]*(?:/|out of|of)[ \t]*10(?:\.0)?)?[\"'*_ \t\]}.,]*$",
    re.IGNORECASE | re.MULTILINE,
)
"""A line of its own: ``**Score:** 8/10``."""
_OF_TEN = re.compile(r'("score"\s*:\s*\d{1,2}(?:\.\d{1,6})?)\s*/\s*10(?=\s*[,}])', re.IGNORECASE)
"""``"score": 8/10``, which is not JSON."""
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class JudgeCheck:
    """Scores are from 1 to 10; an answer with at least ``least_score`` is accepted. ``rubric`` is a template (``rubrics``).

    The judge is a model, so unlike other checks it does not examine a sample by itself: the engine asks ``question``, and the reply
    is read here. ``max_new_tokens`` is the limit of that reply.
    """

    rubric: str
    least_score: float = DEFAULT_LEAST_SCORE
    max_new_tokens: int | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> JudgeCheck:
        """Raises WrongSetting without an endpoint, or for a rubric that cannot be used."""
        if not any(settings.get(name) for name in ("judge_model_endpoint_url", "judge_model_endpoint_name", "judge_connection_name")):
            raise WrongSetting(
                "needs judge_model_endpoint_url, the address of the judge's model (or judge_model_endpoint_name or judge_connection_name)"
            )
        rubric = settings.get("judge_rubric")
        if rubric is not None:
            rubric_template(rubric)
        least_score = settings.get("judge_min_score")
        return cls(
            rubric or RUBRICS[TaskType(settings["data_generation_task_type"])],
            DEFAULT_LEAST_SCORE if least_score is None else least_score,
            settings.get("judge_max_new_tokens"),
        )

    def examine(self, sample: Sample) -> None:
        """Raises CheckRefused if the judge cannot be asked about this sample."""
        self.question(sample)

    def question(self, sample: Sample) -> PromptRequest:
        """What to ask the judge. Raises CheckRefused if the rubric cannot be filled in."""
        try:
            text = _template(self.rubric, threading.get_ident()).render(material(sample))
        except UnusableRecord as unusable:
            raise CheckRefused(reasons.NO_VERDICT, f"the judge cannot be asked: {unusable.detail}", len(sample.answers) - 1) from None
        return PromptRequest(sample.request.row, ((ChatMessage("user", text),),), (None,))

    def score(self, verdict: TeacherReply) -> float:
        """The score in the judge's reply. Raises CheckRefused, for the verdict's own turn, unless it has a certain one."""
        try:
            value = _stated(visible_text(whole_text(verdict, self.max_new_tokens)))
        except AnswerRejected as rejected:
            detail = with_judges_settings(rejected.detail).replace("the teacher", "the judge")
            raise CheckRefused(reasons.NO_VERDICT, f"the judge's reply cannot be read: {rejected.reason}, {detail}", verdict.turn) from None
        found = _SCORE.match(value) if isinstance(value, str) else None
        score = float(found[1]) if found else float(value) if isinstance(value, Decimal) else None
        if score is None or not LOWEST <= score <= HIGHEST:
            shown = str(value) if isinstance(value, Decimal) else repr(value)
            detail = f"the judge's score is {shown[:80]}; expected a number from {LOWEST} to {HIGHEST}"
            raise CheckRefused(reasons.NO_VERDICT, detail, verdict.turn)
        return score

    def fault(self, verdict: TeacherReply) -> str | None:
        """Why the judge's reply has no certain score; None if it has one."""
        try:
            self.score(verdict)
        except CheckRefused as refused:
            return refused.detail
        return None

    def check_score(self, sample: Sample, verdict: TeacherReply) -> float:
        """The score in the judge's reply. Raises CheckRefused if it is too low or not certain."""
        score = self.score(verdict)
        if score < self.least_score:
            reason = stated_reason(verdict.content or "", "reason")
            said = f": {' '.join(reason.split())[:_LONGEST_REASON]}" if reason else ""
            detail = f"the judge's score is {score:g}, judge_min_score is {self.least_score:g}{said}"
            raise CheckRefused(reasons.LOW_SCORE, detail, len(sample.answers) - 1)
        return score


def _stated(reply: str) -> object:
    """The score in a reply, under its key or in a line of its own. Raises AnswerRejected.

    A judge may quote a score that the answer tells it to give: where scores differ, only an object at the end is its own, if no other has
    a reason.
    """
    text = _OF_TEN.sub(r"\1", reply)
    plain = {float(found[1]) for found in _PLAIN.finditer(text)}
    try:
        value = value_of(text, "score")
    except AnswerRejected as rejected:
        if _SCORE.match(text.strip("*` \n")):
            return text.strip("*` \n")
        if rejected.reason != reasons.NO_JSON or len(plain) != 1 or text.count("{") != text.count("}"):
            raise
        return str(plain.pop())
    objects = read_objects(text, ("score",)).objects
    stated = {str(found[key]) for found in objects for key in matching_keys(found, "score")}
    with_reason = [bool(matching_keys(found, "reason")) for found in objects]
    is_own = with_reason[-1:] == [True] and not any(with_reason[:-1]) and not text[text.rfind("}") + 1 :].strip("` \t\r\n]")
    if (len(stated) > 1 and not is_own) or (isinstance(value, Decimal) and plain - {float(value)}):
        raise AnswerRejected(reasons.KEY_MISSING, "the reply states several scores; which one is meant is open")
    return value


@lru_cache(maxsize=32)
def _template(rubric: str, thread: int) -> ColumnTemplate:
    """One for each thread: a template counts what it builds."""
    return rubric_template(rubric)
