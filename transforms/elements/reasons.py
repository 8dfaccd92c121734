"""Why a row gave no example: every code that can stand in rejects.jsonl.

    line                never became a row, nothing was sent
        not_utf8, invalid_json, not_an_object, row_too_large
    row                 a JSON object, but not a chat that can be sent; nothing was sent
        no_messages, bad_message, unknown_role, content_not_text, wrong_order, no_user_message
    answer              the teacher answered, the answer is of no use
        empty_answer, cut_off_by_length, content_filtered, no_json, key_missing, not_a_number
    request             the teacher gave no answer: the values of ``failures.FailureKind``
    not_sent            the run stopped before the row's turn came; a rerun sends it
"""

from __future__ import annotations

NOT_UTF8 = "not_utf8"
INVALID_JSON = "invalid_json"
NOT_AN_OBJECT = "not_an_object"
ROW_TOO_LARGE = "row_too_large"

NO_MESSAGES = "no_messages"
BAD_MESSAGE = "bad_message"
UNKNOWN_ROLE = "unknown_role"
CONTENT_NOT_TEXT = "content_not_text"
WRONG_ORDER = "wrong_order"
NO_USER_MESSAGE = "no_user_message"

EMPTY_ANSWER = "empty_answer"
CUT_OFF_BY_LENGTH = "cut_off_by_length"
CONTENT_FILTERED = "content_filtered"
NO_JSON = "no_json"
KEY_MISSING = "key_missing"
NOT_A_NUMBER = "not_a_number"

NOT_SENT = "not_sent"

NEVER_ASKED = frozenset(
    {
        NOT_UTF8,
        INVALID_JSON,
        NOT_AN_OBJECT,
        ROW_TOO_LARGE,
        NO_MESSAGES,
        BAD_MESSAGE,
        UNKNOWN_ROLE,
        CONTENT_NOT_TEXT,
        WRONG_ORDER,
        NO_USER_MESSAGE,
    }
)
"""Reasons of rows that were no question to the teacher, so they do not weigh on the success ratio."""
