"""Values that no request or file can hold are refused by name, with exit code 2 and no traceback."""

import datetime
import math
from pathlib import Path
from typing import Any

import pytest
from given_settings import NEEDED, refused

from beam_distill.cli.main import main

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMB += "extra_body: {x: *i}\n"


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.fault("X-D")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (math.nan, "field x is nan"),
        (math.inf, "field x is inf"),
        (datetime.date(2026, 1, 1), "field x is a date"),
        (datetime.datetime(2026, 1, 1), "field x is a datetime"),
        (b"bytes", "field x is a bytes"),
        ({"a"}, "field x is a set"),
        (2**64, "more than 64 bits"),
        ("cut \ud83d", "half of a surrogate pair"),
        ({"\udc00": 1}, "half of a surrogate pair"),
        ({1: 2}, "which is not text"),
        ([{"deep": [math.nan]}], "field x[0].deep[0] is nan"),
        (nested(300), "nested more than 50 deep"),
    ],
    ids=str,
)
def test_what_json_cannot_say_is_refused_in_extra_body(value: Any, said: str) -> None:
    assert said in refused(extra_body={"x": value})
    assert said in refused(beam_options={"x": value})


@pytest.mark.fault("X-D")
def test_a_body_as_text_is_checked_the_same_way() -> None:
    assert "field x is nan" in refused(extra_body='{"x": NaN}')
    assert "half of a surrogate pair" in refused(extra_body='{"x": "\\ud83d"}')
    assert "nested too deeply" in refused(extra_body='{"x": ' + "[" * 100_000 + "]" * 100_000 + "}")


@pytest.mark.fault("X-D")
@pytest.mark.parametrize("name", ["model", "currency", "teacher_model_stop", "user_template", "subscription_id"])
def test_half_a_character_is_refused_in_every_text(name: str) -> None:
    assert f"{name} (flag): holds half of a character" in refused(**{name: "x\ud83d"})


@pytest.mark.fault("X-D")
@pytest.mark.parametrize(
    "address", ["http://[::1", "http://[::1]:x/v1", "http://host:99999", "http://", "ftp://host", "host:8000", "http://[zz]/"]
)
def test_an_invalid_address_is_reported(address: str) -> None:
    assert "teacher_model_endpoint_url (flag): " in refused(teacher_model_endpoint_url=address)


@pytest.mark.fault("X-D")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("deep.yaml", "[" * 5000 + "]" * 5000),
        ("deep.yaml", "extra_body: " + '{"a": ' * 5000 + "1" + "}" * 5000),
        ("deep.json", '{"extra_body": ' * 100_000),
        ("nan.yaml", "extra_body: {x: .nan}"),
        ("date.yaml", "extra_body: {x: 2026-01-01}"),
        ("bytes.yaml", "extra_body: {x: !!binary aGVsbG8=}"),
        ("set.yaml", "extra_body: {x: !!set {a, b}}"),
        ("bomb.yaml", BOMB),
    ],
)
def test_a_config_file_that_cannot_be_used_ends_with_exit_code_2(
    tmp_path: Path, name: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    arguments = [f"--{flag}={value}" for flag, value in NEEDED.items()]
    assert main(["plan", *arguments, f"--config={path}"]) == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("value", [4.1, 7, True])
def test_a_name_that_yaml_takes_for_a_number_is_to_be_quoted(value: Any) -> None:
    """``model: 4.10`` without quotes is the number 4.1."""
    assert "expected text; write it in quotes" in refused(model=value)
