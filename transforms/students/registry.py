"""The student formats by name."""

from __future__ import annotations

from transforms.students.alpaca import Alpaca
from transforms.students.base import StudentFormat
from transforms.students.merged_system import MergedSystem
from transforms.students.messages import Messages
from transforms.students.prompt_completion import PromptCompletion
from transforms.students.sharegpt import ShareGpt

STUDENT_FORMATS: dict[str, StudentFormat] = {
    "messages": Messages(),
    "merged_system": MergedSystem(),
    "sharegpt": ShareGpt(),
    "alpaca": Alpaca(),
    "prompt_completion": PromptCompletion(),
}
