"""preference: ``{"prompt": [messages], "chosen": [answer], "rejected": [answer]}``, for training on which of two answers is better."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from transforms.students.base import Turn, chat_message, chat_type


def preference_row(chosen: Sequence[Turn], rejected: Sequence[Turn]) -> dict[str, Any]:
    """The conversational form of TRL's preference datasets, as DPO reads them.

    The prompt is what both chats begin with. Two conversations differ from some answer on; the turns that follow it belong to both answers.
    """
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(chosen, rejected, strict=False)))
    return {
        "prompt": [chat_message(turn) for turn in chosen[:shared]],
        "chosen": [chat_message(turn) for turn in chosen[shared:]],
        "rejected": [chat_message(turn) for turn in rejected[shared:]],
    }


def preference_schema(reasoning_field: bool) -> Any:
    """Three columns, all lists of messages."""
    # late: keeps PyArrow out of the start
    import pyarrow

    return pyarrow.schema([(name, chat_type(reasoning_field)) for name in ("prompt", "chosen", "rejected")])
