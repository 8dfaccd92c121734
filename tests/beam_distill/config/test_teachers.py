"""``teachers``: several endpoints of one teacher, and the other inputs next to the list."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from beam_distill.before_run.rows_to_send import endpoint_by_record
from beam_distill.config.errors import SettingsError
from beam_distill.config.flags import add_setting_flags
from beam_distill.config.settings import DistillSettings, each_teacher, names_of
from beam_distill.config.sources import resolve
from beam_distill.job.specs import endpoint_spec, sampling_spec
from transforms.teacher.payload import PayloadTemplate

NEEDED = {"train_file_path": "in.jsonl", "generated_batch_train_file_path": "out.jsonl", "data_generation_task_type": "MATH"}
EAST, WEST = "http://east:8000/v1", "http://west:8000/v1"


def settings(teachers: Any, **more: Any) -> DistillSettings:
    return resolve({**NEEDED, "teachers": teachers, **more}, None, {}).settings


def refused(teachers: Any, **more: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        settings(teachers, **more)
    return "\n".join(caught.value.problems)


def flags(*arguments: str) -> dict[str, Any]:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_setting_flags(parser, show_all=True)
    return {name: value for name, value in vars(parser.parse_args([*arguments])).items() if name != "config"}


def test_an_address_given_several_times_is_a_pool() -> None:
    found = resolve({**NEEDED, **flags("--teacher_model_endpoint_url", EAST, "--endpoint", WEST)}, None, {}).settings
    assert found.teacher_model_endpoint_url is None
    assert [alone.teacher_model_endpoint_url for alone in each_teacher(found)] == [EAST, WEST]
    once = resolve({**NEEDED, **flags("--endpoint", EAST)}, None, {}).settings
    assert (once.teacher_model_endpoint_url, once.teachers) == (EAST, None)
    assert each_teacher(once) == [once]
    beside_an_empty_one = resolve({**NEEDED, **flags("--endpoint", "", "--endpoint", EAST)}, None, {}).settings
    assert (beside_an_empty_one.teacher_model_endpoint_url, beside_an_empty_one.teachers) == (EAST, None)


def test_an_entry_that_says_nothing_takes_what_the_inputs_say(tmp_path: Path) -> None:
    entries = [{"url": EAST}, {"url": WEST, "api-key-env": "WEST_KEY", "deployment": "gpt-west", "max_requests_per_minute": 60}]
    found = settings(entries, api_key_file="key.txt", model="gpt", max_requests_per_minute=600)
    east, west = each_teacher(found)
    assert (east.api_key_file, east.api_key_env, east.model, east.max_requests_per_minute) == ("key.txt", None, "gpt", 600)
    assert (west.api_key_file, west.api_key_env, west.model, west.max_requests_per_minute) == (None, "WEST_KEY", "gpt-west", 60)


def test_a_flag_names_another_teacher_than_the_list_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps({**NEEDED, "teachers": [EAST, WEST]}))
    assert [alone.teacher_model_endpoint_url for alone in each_teacher(resolve({}, str(path), {}).settings)] == [EAST, WEST]
    single = resolve({"teacher_model_endpoint_url": "http://other/v1"}, str(path), {}).settings
    assert (single.teacher_model_endpoint_url, single.teachers) == ("http://other/v1", None)
    path.write_text(json.dumps({**NEEDED, "teacher_model_endpoint_url": EAST}))
    pool = resolve({"teachers": [EAST, WEST]}, str(path), {}).settings
    assert pool.teacher_model_endpoint_url is None
    assert pool.teachers is not None


@pytest.mark.parametrize(
    ("teachers", "said"),
    [
        ([{"url": EAST}, {"url": WEST, "api_key": "sk-1234567890abcdef"}], "entry 2, api_key: a key is not taken as a value"),
        ([{"url": EAST, "urll": WEST}], "entry 1, urll: no such field; an entry holds name, url"),
        ([{"weight": 2}], "entry 1: names no endpoint"),
        ([{"url": "ftp://east"}], "teachers, entry 1, url (flag): "),
        ([{"url": EAST, "weight": 0}], "teachers, entry 1, weight (flag): expected more than 0"),
        ([{"url": EAST, "max_requests_per_minute": "many"}], "teachers, entry 1, max_requests_per_minute (flag): expected a whole number"),
        ([{"url": f"{EAST}?sig=abc123"}], "teachers, entry 1, url (flag): the address holds a secret"),
        ([{"url": EAST, "overflow": True}], "every entry is an overflow"),
        ([{"url": EAST, "name": "a"}, {"url": WEST, "name": "a"}], "two entries are called a"),
        ([{"url": EAST, "api_key_env": "A", "api_key_file": "b"}], "teachers, entry 1, api_key_env, api_key_file: both are given"),
        ([{"url": EAST, "model": "a"}, {"url": WEST, "model": "b"}], "the models differ (a, b)"),
        ([{"url": EAST, "deployment": "a"}, {"url": WEST, "deployment": "b"}], "give them as deployment and the model's name as model"),
        ([], "expected a list of endpoints"),
        (7, "expected a list of endpoints"),
    ],
)
def test_a_mistake_is_reported_with_its_entry_and_no_secret(teachers: Any, said: str) -> None:
    message = refused(teachers)
    assert said in message
    assert "sk-1234567890abcdef" not in message
    assert "abc123" not in message


def test_two_ways_to_name_the_teacher_at_a_time_are_refused() -> None:
    assert "teachers, teacher_model_endpoint_url: both name the teacher" in refused([EAST], teacher_model_endpoint_url=WEST)


def test_models_may_differ_where_a_setting_allows_it() -> None:
    assert settings([{"url": EAST, "model": "a"}, {"url": WEST, "model": "b"}], teachers_may_differ="true").teachers is not None


def test_equal_names_are_numbered() -> None:
    found = settings([{"url": EAST}, {"url": f"{EAST}/"}, {"url": WEST, "name": "paid"}, {"endpoint_name": "aml"}], model="m")
    assert names_of(found, ["east:8000", "east:8000", "west:8000", "aml.host"]) == ["east:8000#1", "east:8000#2", "paid", "aml"]


def test_the_view_shows_what_an_entry_says_and_can_be_read_again() -> None:
    found = settings([{"url": EAST}, {"url": WEST, "api_key_env": "WEST_KEY", "overflow": "true"}])
    view = found.public_view()["teachers"]
    assert view == [{"url": EAST}, {"url": WEST, "api_key_env": "WEST_KEY", "overflow": True}]
    assert settings(view).teachers == found.teachers


def hash_of(found: DistillSettings) -> str:
    template = PayloadTemplate(endpoint_spec(found), sampling_spec(found))
    return template.request_hash(template.body(()))


def test_requests_of_a_pool_are_those_of_the_endpoint_that_was_alone(tmp_path: Path) -> None:
    alone = resolve({**NEEDED, "teacher_model_endpoint_url": EAST, "model": "gpt"}, None, {}).settings
    deployed = [{"url": WEST, "deployment": "gpt-west"}, {"url": EAST}]
    assert hash_of(settings(deployed, model="gpt")) == hash_of(alone) == hash_of(settings([EAST, WEST], model="gpt"))
    (tmp_path / "ledger").mkdir()
    endpoint, doubt = endpoint_by_record(settings(deployed, model="gpt", work_dir=str(tmp_path)))
    assert endpoint is not None
    assert (endpoint.model, doubt) == ("gpt", None)
