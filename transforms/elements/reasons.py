"""Why a row gave no example: every code that can be in rejects.jsonl.

line                never became a row, nothing was sent
    not_utf8, invalid_json, not_an_object, row_too_large, bad_row
file                what follows in the file cannot be read; the split is not published
    unreadable_file
row                 a JSON object, but not a chat that can be sent; nothing was sent
    no_messages, printed_list, bad_message, unknown_role, content_not_text, holds_picture, holds_audio, holds_video,
    holds_file, tool_calls, wrong_order, no_user_message,
    empty_user_message, missing_column, missing_value, template_failed
answer              the teacher answered, the answer is of no use
    empty_answer, cut_off_by_length, content_filtered, wants_tool, repeats_itself, unknown_finish_reason,
    special_tokens, no_json, key_missing, not_a_number, answer_not_text, label_not_listed, several_labels
request             the teacher gave no answer: the values of ``failures.FailureKind``
not_sent            the run stopped before the row's turn came; a rerun sends it
"""

from __future__ import annotations

NOT_UTF8 = "not_utf8"
INVALID_JSON = "invalid_json"
NOT_AN_OBJECT = "not_an_object"
ROW_TOO_LARGE = "row_too_large"
BAD_ROW = "bad_row"
UNREADABLE_FILE = "unreadable_file"

NO_MESSAGES = "no_messages"
PRINTED_LIST = "printed_list"
BAD_MESSAGE = "bad_message"
UNKNOWN_ROLE = "unknown_role"
CONTENT_NOT_TEXT = "content_not_text"
HOLDS_PICTURE = "holds_picture"
HOLDS_AUDIO = "holds_audio"
HOLDS_VIDEO = "holds_video"
HOLDS_FILE = "holds_file"
TOOL_CALLS = "tool_calls"
WRONG_ORDER = "wrong_order"
NO_USER_MESSAGE = "no_user_message"
EMPTY_USER_MESSAGE = "empty_user_message"
MISSING_COLUMN = "missing_column"
MISSING_VALUE = "missing_value"
TEMPLATE_FAILED = "template_failed"

EMPTY_ANSWER = "empty_answer"
CUT_OFF_BY_LENGTH = "cut_off_by_length"
CONTENT_FILTERED = "content_filtered"
WANTS_TOOL = "wants_tool"
REPEATS_ITSELF = "repeats_itself"
UNKNOWN_FINISH_REASON = "unknown_finish_reason"
SPECIAL_TOKENS = "special_tokens"
NO_JSON = "no_json"
KEY_MISSING = "key_missing"
NOT_A_NUMBER = "not_a_number"
ANSWER_NOT_TEXT = "answer_not_text"
LABEL_NOT_LISTED = "label_not_listed"
SEVERAL_LABELS = "several_labels"

NOT_SENT = "not_sent"

NEVER_ASKED = frozenset(
    {
        NOT_UTF8,
        INVALID_JSON,
        NOT_AN_OBJECT,
        ROW_TOO_LARGE,
        BAD_ROW,
        UNREADABLE_FILE,
        NO_MESSAGES,
        PRINTED_LIST,
        BAD_MESSAGE,
        UNKNOWN_ROLE,
        CONTENT_NOT_TEXT,
        HOLDS_PICTURE,
        HOLDS_AUDIO,
        HOLDS_VIDEO,
        HOLDS_FILE,
        TOOL_CALLS,
        WRONG_ORDER,
        NO_USER_MESSAGE,
        EMPTY_USER_MESSAGE,
        MISSING_COLUMN,
        MISSING_VALUE,
        TEMPLATE_FAILED,
    }
)
"""Reasons of rows that were not question to the teacher, so they do not weigh on the success ratio."""

ANSWER_REASONS = (EMPTY_ANSWER, CUT_OFF_BY_LENGTH, CONTENT_FILTERED, NO_JSON, KEY_MISSING, NOT_A_NUMBER, ANSWER_NOT_TEXT)
"""The teacher answered, and the answer is of no use: reasons that a person may have asked again."""


class Rejection(Exception):
    """Why a line, a row or an answer is of no use: raised in plain code, made a RejectedRow by whoever holds the row.

    ``reason`` is one of the codes above; ``detail`` says what was found, what was expected and what to do.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
