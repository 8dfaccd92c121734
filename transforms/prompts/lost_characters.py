"""Answers in which characters were lost on the way: a server that splits or wrongly decodes them leaves a mark, or nothing readable."""

from __future__ import annotations

from transforms.elements import reasons
from transforms.elements.rows import ChatMessage
from transforms.prompts.base import AnswerRejected

_MARKS = {"\ufffd": "U+FFFD, the mark of a lost character", "\0": "U+0000, which no text has"}


def refuse_lost_characters(answer: str, asked: tuple[ChatMessage, ...]) -> None:
    """Raise AnswerRejected if the answer has a mark that the messages it answers do not have."""
    if answer.isascii() and "\0" not in answer:
        return
    for mark, name in _MARKS.items():
        place = answer.find(mark)
        if place >= 0 and not any(mark in message.content for message in asked):
            around = answer[max(0, place - 20) : place + 20]
            raise AnswerRejected(
                reasons.LOST_CHARACTERS,
                f"the answer has {name} ({around!r}): the server sends bytes that are not UTF-8, or splits characters between tokens",
            )
