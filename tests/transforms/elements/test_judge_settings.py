"""Messages about the judge that were written for the teacher."""

import pytest

from transforms.elements.judge_settings import with_judges_settings


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("see teacher_model_endpoint_url and model.", "see judge_model_endpoint_url and judge_model."),
        ("Is teacher_model_endpoint_url right?", "Is judge_model_endpoint_url right?"),
        ("Lower teacher_model_max_new_tokens, which is 9", "Lower judge_max_new_tokens, which is 9"),
        ("see authentication_type and what it names", "see judge_authentication_type and what it names"),
        ("connection_name, extra_body", "judge_connection_name, judge_extra_body"),
        ("name it with --model or --api_key_env", "name it with --judge_model or --judge_api_key_env"),
        ("judge_api_key_env, judge_api_key_file, my_api_key_env", "judge_api_key_env, judge_api_key_file, my_api_key_env"),
    ],
)
def test_the_judges_settings_are_named_once(said: str, shown: str) -> None:
    assert with_judges_settings(said) == shown
