"""What each reason in rejects.jsonl means, and what a person can do."""

from __future__ import annotations

from transforms.elements import reasons
from transforms.elements.failures import FailureKind

EXPLANATIONS: dict[str, str] = {
    reasons.NOT_UTF8: "The line is not UTF-8 text. Convert the file.",
    reasons.INVALID_JSON: "The line, or the chat that one of its cells holds as text, is not JSON. Correct it in the input file.",
    reasons.NOT_AN_OBJECT: "The line is JSON but not an object. Fix it in the input file.",
    reasons.ROW_TOO_LARGE: "The line is longer than any prompt can be. Shorten it, or look whether line ends are missing.",
    reasons.BAD_ROW: "The record cannot be read as a row of its format, for example with more fields than columns. Fix it in the input file.",
    reasons.UNREADABLE_FILE: "What follows in the file cannot be read, so the split is not published. "
    "Replace the file with an intact copy; it may be cut off.",
    reasons.NO_MESSAGES: "The row has no messages. Name the column that has them with messages_column, or make them from columns with "
    "user_template.",
    reasons.PRINTED_LIST: "A cell holds its messages as Python prints a list, which is not JSON. Write the file with to_json or to_parquet.",
    reasons.BAD_MESSAGE: "A message is not an object with role and content. Fix it in the input file.",
    reasons.UNKNOWN_ROLE: "A message has a role other than system, user and assistant. Correct it in the input file.",
    reasons.CONTENT_NOT_TEXT: "A message's content is neither text nor a list of text parts. Put its text together in the input file.",
    reasons.HOLDS_PICTURE: "A message holds a picture; only text can be distilled. Leave the row out, or keep its text only.",
    reasons.HOLDS_AUDIO: "A message holds sound; only text can be distilled. Leave the row out, or keep its text only.",
    reasons.HOLDS_VIDEO: "A message holds a video; only text can be distilled. Leave the row out, or keep its text only.",
    reasons.HOLDS_FILE: "A message holds a file; only text can be distilled. Put the file's text into the message, or leave the row out.",
    reasons.TOOL_CALLS: "The chat calls tools, which cannot be distilled. Leave the row out.",
    reasons.WRONG_ORDER: "The messages are in an order that is not a chat: at most one system message, then user and assistant in turn. "
    "Fix it in the input file.",
    reasons.NO_USER_MESSAGE: "There is no user message to answer. Add one in the input file.",
    reasons.EMPTY_USER_MESSAGE: "The user message is empty. Fill it in, or take the row out.",
    reasons.MISSING_COLUMN: "The row lacks a column that the settings name. Add it, or name another one.",
    reasons.MISSING_VALUE: "A column that the template or the settings name is empty in this row. Fill it in, or allow it with {{column "
    'or ""}}.',
    reasons.TEMPLATE_FAILED: "The template cannot be filled in for this row. The detail says why.",
    reasons.EMPTY_ANSWER: "The teacher answered with nothing, or only thought. Often passing; "
    "beam-distill retry WORK_DIR --reason empty_answer asks again.",
    reasons.CUT_OFF_BY_LENGTH: "The answer reached the token limit, or filled the model's context; the detail says which. Raise "
    "teacher_model_max_new_tokens and run again: only rows that reached the limit are sent again.",
    reasons.CONTENT_FILTERED: "The endpoint's content filter, or the teacher itself, refused the prompt or withheld the answer. Rephrase the "
    "row or take it out, or have the filter set otherwise.",
    reasons.WANTS_TOOL: "The teacher called a tool instead of answering; none was offered. Take tool calls out of the row's system message, "
    "or switch them off on the server.",
    reasons.REPEATS_ITSELF: "The server stopped an answer that repeated itself. A higher temperature or a frequency penalty may help.",
    reasons.UNKNOWN_FINISH_REASON: "The endpoint ended the answer with a word that is not known, so the answer may not be whole. The detail "
    "names the word.",
    reasons.SPECIAL_TOKENS: "The answer holds marks that belong to the model's chat template (such as <|im_end|>). The server should take "
    "them out: look at its chat template and reasoning parser.",
    reasons.NO_JSON: "The answer holds no JSON object, which the prompt asks for. beam-distill retry WORK_DIR --reason no_json asks again.",
    reasons.KEY_MISSING: "The answer is JSON without exactly one value under the key that was asked for. beam-distill retry WORK_DIR --reason "
    "key_missing asks again.",
    reasons.NOT_A_NUMBER: "The answer is not one certain number. beam-distill retry WORK_DIR --reason not_a_number asks again.",
    reasons.ANSWER_NOT_TEXT: "The answer is a list, an object or true/false where text was asked for. beam-distill retry WORK_DIR --reason "
    "answer_not_text asks again.",
    reasons.LABEL_NOT_LISTED: "The answer names none of the labels that the row lists. "
    "beam-distill retry WORK_DIR --reason label_not_listed asks again; other_labels lets such answers through.",
    reasons.SEVERAL_LABELS: "The answer names more than one of the labels that the row lists. "
    "beam-distill retry WORK_DIR --reason several_labels asks again.",
    reasons.NOT_SENT: "The run stopped before this row's turn came. Run the same command again.",
    FailureKind.THROTTLED.value: "The endpoint kept answering 429. Run again, or allow more time with max_retry_time_interval.",
    FailureKind.UNAVAILABLE.value: "The endpoint was unavailable (502, 503, 504) too often. Run again.",
    FailureKind.SERVER_ERROR.value: "The endpoint failed with an error of its own (500) too often. Run again.",
    FailureKind.TIMED_OUT.value: "No whole answer came in time. Run again, or raise initial_request_timeout; where answers stream "
    "first_token_timeout or token_gap_timeout, whichever the detail names.",
    FailureKind.CONNECTION_LOST.value: "The connection broke too often. Run again.",
    FailureKind.CANNOT_CONNECT.value: "No connection could be made. Run again when the endpoint is up.",
    FailureKind.BROKEN_BODY.value: "The response was not a chat completion too often. Run again.",
    FailureKind.BROKEN_OFF.value: "The server broke its answers off too often (error, abort). Run again.",
    FailureKind.GENERATION_FAILED.value: "The endpoint could not read what its model wrote (JSON, channels) too often. Run again.",
    FailureKind.QUOTA_SPENT.value: "The account has no credit or quota left. Add some, then run again.",
    FailureKind.PARAMETER_REFUSED.value: "The teacher does not take a setting of the request. Leave it out by giving it the value none.",
    FailureKind.UNAUTHORIZED.value: "The endpoint refused the credential. Give a valid one and run again.",
    FailureKind.FORBIDDEN.value: "The credential may not use this endpoint. Have it allowed, or use another one, and run again.",
    FailureKind.NOT_FOUND.value: "The endpoint knows no such route or model. Look at teacher_model_endpoint_url and model, and run again.",
    FailureKind.NO_CREDENTIAL.value: "No credential could be had. The detail says where one was looked for.",
    FailureKind.BAD_REQUEST.value: "The endpoint refused this request (400). The detail says why.",
    FailureKind.TOO_LARGE.value: "The request is larger than the endpoint takes or than its limits ever allow, or its answer is larger than any "
    "teacher's. The detail says which. Shorten the row.",
    FailureKind.CONTEXT_LENGTH_EXCEEDED.value: "Prompt and answer do not fit the model's context. Shorten the row, or lower "
    "teacher_model_max_new_tokens.",
}


def explanation(reason: str) -> str:
    """What a reason means; empty for one that is not known here."""
    return EXPLANATIONS.get(reason, "")
