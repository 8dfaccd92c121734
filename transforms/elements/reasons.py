"""Why a row gave no example: every code that can be in rejects.jsonl, with its explanation."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from transforms.elements.failures import FailureKind


class Stage(Enum):
    """The stage at which a row became a reject."""

    LINE = "it never became a row, nothing was sent"
    FILE = "the rest of the file cannot be read; the split is not published"
    ROW = "a JSON object, but not a chat that can be sent; nothing was sent"
    DOUBLE = "like another row, and the settings leave such rows out; nothing was sent"
    ANSWER = "the teacher answered, and the answer is unusable"
    CHECK = "the teacher answered, the answer is usable, and a check of the run refused it"
    REQUEST = "the teacher was asked and gave no answer"
    RUN = "the run stopped before the row was sent"
    ENOUGH = "the split had enough accepted rows (until_accepted) before this one was finished"


class Reason(NamedTuple):
    """One code. ``explanation`` tells the user what it means and what to do."""

    stage: Stage
    explanation: str


REASONS: dict[str, Reason] = {}
"""Every reason by its code; those of failed requests are the kinds of failure."""


def _reason(code: str, stage: Stage, explanation: str) -> str:
    REASONS[code] = Reason(stage, explanation)
    return code


NOT_UTF8 = _reason("not_utf8", Stage.LINE, "The line is not UTF-8 text. Convert the file.")
INVALID_JSON = _reason(
    "invalid_json",
    Stage.LINE,
    "The line, or the chat that one of its cells holds as text, is not JSON. Correct it in the input file.",
)
NOT_AN_OBJECT = _reason("not_an_object", Stage.LINE, "The line is JSON but not an object. Fix it in the input file.")
ROW_TOO_LARGE = _reason(
    "row_too_large",
    Stage.LINE,
    "The line is longer than any prompt can be. Shorten it, or check for missing line ends.",
)
BAD_ROW = _reason(
    "bad_row",
    Stage.LINE,
    "The record cannot be read as a row of its format, for example with more fields than columns. Fix it in the input file.",
)

UNREADABLE_FILE = _reason(
    "unreadable_file",
    Stage.FILE,
    "The rest of the file cannot be read, so the split is not published. Replace the file with an intact copy; it may be truncated.",
)

NO_MESSAGES = _reason(
    "no_messages",
    Stage.ROW,
    "The row has no messages. Name the column that has them with messages_column, or make them from columns with user_template.",
)
PRINTED_LIST = _reason(
    "printed_list",
    Stage.ROW,
    "A cell has its messages as Python prints a list, which is not JSON. Write the file with to_json or to_parquet.",
)
BAD_MESSAGE = _reason("bad_message", Stage.ROW, "A message is not an object with role and content. Fix it in the input file.")
UNKNOWN_ROLE = _reason("unknown_role", Stage.ROW, "A message has a role other than system, user and assistant. Correct it in the input file.")
CONTENT_NOT_TEXT = _reason(
    "content_not_text",
    Stage.ROW,
    "A message's content is neither text nor a list of text parts. Join its text in the input file.",
)
HOLDS_PICTURE = _reason(
    "holds_picture",
    Stage.ROW,
    "A message holds a picture; only text can be distilled. Leave the row out, or keep its text only.",
)
HOLDS_AUDIO = _reason("holds_audio", Stage.ROW, "A message holds sound; only text can be distilled. Leave the row out, or keep its text only.")
HOLDS_VIDEO = _reason("holds_video", Stage.ROW, "A message holds a video; only text can be distilled. Leave the row out, or keep its text only.")
HOLDS_FILE = _reason(
    "holds_file",
    Stage.ROW,
    "A message holds a file; only text can be distilled. Put the file's text into the message, or leave the row out.",
)
TOOL_CALLS = _reason("tool_calls", Stage.ROW, "The chat calls tools, which cannot be distilled. Leave the row out.")
WRONG_ORDER = _reason(
    "wrong_order",
    Stage.ROW,
    "The messages are in an order that is not a chat: at most one system message, then user and assistant in turn. Fix it in the input file.",
)
NO_USER_MESSAGE = _reason("no_user_message", Stage.ROW, "There is no user message to answer. Add one in the input file.")
EMPTY_USER_MESSAGE = _reason("empty_user_message", Stage.ROW, "The user message is empty. Fill it in, or remove the row.")
MISSING_COLUMN = _reason("missing_column", Stage.ROW, "The row lacks a column that the settings name. Add it, or name another one.")
MISSING_VALUE = _reason(
    "missing_value",
    Stage.ROW,
    'A column that the template or the settings name is empty in this row. Fill it in, or allow it with {{column or ""}}.',
)
TEMPLATE_FAILED = _reason("template_failed", Stage.ROW, "The template cannot be filled in for this row. The detail says why.")

EXACT_DOUBLE = _reason(
    "exact_double",
    Stage.DOUBLE,
    "An earlier row of the split asks the same; the detail names it. drop_doubles leaves such rows out, so that they are not paid for.",
)
NEAR_DOUBLE = _reason(
    "near_double",
    Stage.DOUBLE,
    "An earlier row of the split asks nearly the same; the detail names it. A higher near_double_similarity leaves out fewer rows, "
    "drop_doubles exact only equal ones.",
)
LEAK = _reason(
    "leak",
    Stage.DOUBLE,
    "A row to train on asks the same as a validation row, or nearly; the detail names it. drop_leaks leaves such rows out, so that the "
    "validation measures what was learned and not what was seen.",
)
CONTAMINATED = _reason(
    "contaminated",
    Stage.DOUBLE,
    "The row has 13 words in a row in common with a row of decontaminate_against, or is nearly that row; the detail names it.",
)

EMPTY_ANSWER = _reason(
    "empty_answer",
    Stage.ANSWER,
    "The answer is empty or only reasoning. This is often temporary; beam-distill retry WORK_DIR --reason empty_answer sends the row again.",
)
CUT_OFF_BY_LENGTH = _reason(
    "cut_off_by_length",
    Stage.ANSWER,
    "The answer reached the token limit, or filled the model's context; the detail says which. Raise teacher_model_max_new_tokens and run "
    "again: only rows that reached the limit are sent again.",
)
CONTENT_FILTERED = _reason(FailureKind.CONTENT_FILTERED.value, Stage.ANSWER, FailureKind.CONTENT_FILTERED.explanation)
WANTS_TOOL = _reason(
    "wants_tool",
    Stage.ANSWER,
    "The teacher called a tool instead of answering; none was offered. Remove tool calls from the row's system message, or turn them "
    "off on the server.",
)
REPEATS_ITSELF = _reason(
    "repeats_itself",
    Stage.ANSWER,
    "The answer repeated itself until the server or the token limit stopped it. A higher temperature or a frequency penalty may help; a higher "
    "limit does not.",
)
UNKNOWN_FINISH_REASON = _reason(
    "unknown_finish_reason",
    Stage.ANSWER,
    "The answer has an unknown finish_reason, so it may not be complete. The detail names it.",
)
SPECIAL_TOKENS = _reason(
    "special_tokens",
    Stage.ANSWER,
    "The answer contains tokens of the model's chat template (such as <|im_end|>). The server should remove them: check its "
    "chat template and reasoning parser.",
)
LOST_CHARACTERS = _reason(
    "lost_characters",
    Stage.ANSWER,
    "Characters of the answer were lost on the way. beam-distill retry WORK_DIR --reason lost_characters sends the row again; if that does "
    "not help, look at the server's encoding and tokenizer.",
)
NO_JSON = _reason(
    "no_json",
    Stage.ANSWER,
    "The answer has no JSON object, which the prompt asks for. beam-distill retry WORK_DIR --reason no_json sends the row again.",
)
KEY_MISSING = _reason(
    "key_missing",
    Stage.ANSWER,
    "The answer is JSON without exactly one value under the key that was asked for. beam-distill retry WORK_DIR --reason key_missing asks "
    "again.",
)
NOT_A_NUMBER = _reason(
    "not_a_number",
    Stage.ANSWER,
    "The answer is not one certain number. beam-distill retry WORK_DIR --reason not_a_number asks again.",
)
ANSWER_NOT_TEXT = _reason(
    "answer_not_text",
    Stage.ANSWER,
    "The answer is a list, an object or true/false where text was asked for. beam-distill retry WORK_DIR --reason answer_not_text asks again.",
)
LABEL_NOT_LISTED = _reason(
    "label_not_listed",
    Stage.ANSWER,
    "The answer names none of the labels that the row lists. beam-distill retry WORK_DIR --reason label_not_listed asks again; "
    "other_labels accepts such answers.",
)
SEVERAL_LABELS = _reason(
    "several_labels",
    Stage.ANSWER,
    "The answer names more than one of the labels that the row lists. beam-distill retry WORK_DIR --reason several_labels asks again.",
)

TOO_SHORT = _reason(
    "too_short",
    Stage.CHECK,
    "The check length refused the answer: it has fewer words or characters than the run asks for. beam-distill retry WORK_DIR --reason "
    "too_short asks again.",
)
TOO_LONG = _reason(
    "too_long",
    Stage.CHECK,
    "The check length refused the answer: it has more words or characters than the run allows. beam-distill retry WORK_DIR --reason "
    "too_long asks again.",
)
WRONG_LABEL = _reason(
    "wrong_label",
    Stage.CHECK,
    "The check label refused the answer: it is not the row's label. The detail has both; compare a few by hand, for the labels may be wrong "
    "too. beam-distill retry WORK_DIR --reason wrong_label asks again, with other answers at a temperature above 0.",
)
NO_LABEL = _reason(
    "no_label",
    Stage.CHECK,
    "The row has no label that the check label could compare the answer with. Add it to the input file, or leave the check out.",
)
REFUSES_TO_ANSWER = _reason(
    "refuses_to_answer",
    Stage.CHECK,
    "The check refusal refused the answer: it declines to answer. Reword the prompt, or leave the row out; beam-distill retry WORK_DIR "
    "--reason refuses_to_answer asks again.",
)
OTHER_LANGUAGE = _reason(
    "other_language",
    Stage.CHECK,
    "The check language refused the answer: it is in another language than asked for. Name the language in the system message; beam-distill "
    "retry WORK_DIR --reason other_language asks again.",
)
SCHEMA_MISMATCH = _reason(
    "schema_mismatch",
    Stage.CHECK,
    "The check schema refused the answer: it is not JSON, or does not fit answer_schema. The detail has the first mismatch; beam-distill retry "
    "WORK_DIR --reason schema_mismatch asks again.",
)
FUNCTION_REFUSED = _reason(
    "function_refused",
    Stage.CHECK,
    "The run's own function (check_function) refused the answer. beam-distill retry WORK_DIR --reason function_refused asks again.",
)
FUNCTION_FAILED = _reason(
    "function_failed",
    Stage.CHECK,
    "The run's own function (check_function) raised an error for the answer. Correct the function and run the same command again: nothing is "
    "asked again.",
)

NO_AGREEMENT = _reason(
    "no_agreement",
    Stage.CHECK,
    "Too few of the row's samples give the same answer. The question may be ambiguous or too hard for the teacher; more samples, or fewer "
    "votes, may decide it.",
)

LOW_SCORE = _reason(
    "low_score",
    Stage.CHECK,
    "The judge gave the answer a lower score than judge_min_score. The detail has the score and the judge's reason; read a few. With a lower "
    "bound the same command asks nothing again; beam-distill retry WORK_DIR --reason low_score asks the teacher again.",
)
NO_VERDICT = _reason(
    "no_verdict",
    Stage.CHECK,
    "The judge answered without a certain score from 1 to 10. The detail says what was found; a larger judge_max_new_tokens or another "
    "judge_rubric may help. beam-distill retry WORK_DIR --reason no_verdict asks the judge again.",
)
JUDGE_FAILED = _reason(
    "judge_failed",
    Stage.CHECK,
    "The judge was asked about the answer and gave no reply. The detail has its failure. Run the same command again: only the judge is asked.",
)

NOT_SENT = _reason("not_sent", Stage.RUN, "The run stopped before this row was answered and, with a judge, judged. Run the same command again.")

NOT_NEEDED = _reason(
    "not_needed",
    Stage.ENOUGH,
    "The split had as many accepted rows as until_accepted asks for before this one was asked, or asked to its end. A higher until_accepted "
    "goes on with it.",
)

REASONS.update({kind.value: Reason(Stage.REQUEST, kind.explanation) for kind in FailureKind if kind.value not in REASONS})


def _of(*stages: Stage) -> tuple[str, ...]:
    return tuple(code for code, reason in REASONS.items() if reason.stage in stages)


LEFT_OUT = _of(Stage.DOUBLE)
"""Reasons of rows that could be sent and are left out, as the settings ask."""
NEVER_ASKED = frozenset(_of(Stage.LINE, Stage.FILE, Stage.ROW, Stage.DOUBLE, Stage.ENOUGH))
"""Reasons of rows that are not sent to the teacher; they do not count in the success ratio."""
CHECK_REASONS = frozenset(_of(Stage.CHECK))
"""Reasons of rows with a usable answer that a check refused: the endpoint worked."""
ANSWER_REASONS = _of(Stage.ANSWER, Stage.CHECK)
"""Reasons that ``retry`` can send again: the teacher answered, and the answer gives no example."""


def explanation(code: str) -> str:
    """What a code means and what the user can do; empty for an unknown code."""
    return REASONS[code].explanation if code in REASONS else ""


class Rejection(Exception):
    """Why a line, a row or an answer is unusable: raised in plain code; the caller that has the row makes a RejectedRow.

    ``reason`` is one of the codes above; ``detail`` says what was found, what was expected and what to do.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
