"""The judge's settings in place of the teacher's, in messages and advice that are written for the teacher."""

from __future__ import annotations

import re

_OF_JUDGE = {
    "teacher_model_endpoint_url and model": "judge_model_endpoint_url and judge_model",
    "teacher_model_endpoint_url": "judge_model_endpoint_url",
    "teacher_model_max_new_tokens": "judge_max_new_tokens",
    "teacher_model_endpoint_name": "judge_model_endpoint_name",
    "teacher_model_temperature": "judge_temperature",
    "authentication_type": "judge_authentication_type",
    "connection_name": "judge_connection_name",
    "endpoint_kind": "judge_endpoint_kind",
    "extra_body": "judge_extra_body",
    "api_key_env": "judge_api_key_env",
    "api_key_file": "judge_api_key_file",
    "--model": "--judge_model",
}
_OF_TEACHER = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(_OF_JUDGE, key=len, reverse=True)))})(?!\w)")


def with_judges_settings(text: str) -> str:
    """The text with the names of the judge's settings; those that it has already stay."""
    return _OF_TEACHER.sub(lambda found: _OF_JUDGE[found[0]], text)
