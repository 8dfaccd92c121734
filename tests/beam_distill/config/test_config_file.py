"""Config files as people and their tools write them."""

from pathlib import Path

import pytest

from beam_distill.config.config_file import read_config_file
from beam_distill.config.errors import SettingsError
from beam_distill.config.suggestions import suggestion

NAMES = ["teacher_model_max_new_tokens", "max_total_tokens", "train_file_path"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize(("name", "text"), [("c.yaml", "train_file_path: Zürich.jsonl\r\n"), ("c.json", '{"train_file_path": "Zürich.jsonl"}')])
def test_the_encodings_of_editors_and_shells(name: str, text: str, encoding: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes((b"\xfe\xff" if encoding == "utf-16-be" else b"") + text.encode(encoding))
    assert read_config_file(str(path)) == {"train_file_path": "Zürich.jsonl"}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("c.yaml", b"limit: 5\nmodel: m\nlimit: 50\n", "limit is there more than once"),
        ("c.yaml", b"extra_body:\n  seed: 1\n  seed: 2\n", "seed is there more than once"),
        ("c.json", b'{"limit": 5, "limit": 50}', "limit is there more than once"),
        ("c.yaml", b"model: \xe9t\xe9\n", "is not UTF-8; save it as UTF-8"),
        ("c.toml", b'model = "m"\n', "TOML is not read"),
        ("c.yaml", b"model:\n\tm\n", "is not valid YAML: line 2"),
        ("c.yaml", b"model: m\nuser_template: {{question}}\n", "if this is a text, write it in quotes: user_template: '{{question}}'"),
        ("c.yaml", b"user_template: {{question}} isn't {{answer}}\n", "write it in quotes: user_template: '{{question}} isn''t {{answer}}'"),
        ("c.yaml", b"user_template: Q: {{question}}\n", "write it in quotes: user_template: 'Q: {{question}}'"),
        ("c.yaml", b"user_template: @prompt.txt\n", "write it in quotes: user_template: '@prompt.txt'"),
    ],
)
def test_a_file_that_does_not_say_one_thing(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SettingsError) as caught:
        read_config_file(str(path))
    assert said in str(caught.value)


def test_no_quotes_are_advised_where_no_text_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("model: m\n  limit: 5\n")
    with pytest.raises(SettingsError) as caught:
        read_config_file(str(path))
    assert "in quotes" not in str(caught.value)


def test_anchors_and_merges_of_yaml(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("extra_body: &body\n  seed: 1\nmodel: m\n")
    assert read_config_file(str(path)) == {"extra_body": {"seed": 1}, "model": "m"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("max_new_token", "teacher_model_max_new_tokens"),  # a misspelt name of another tool
        ("max_tokens", "teacher_model_max_new_tokens"),
        ("max_total_token", "max_total_tokens"),
        ("train_file_pathh", "train_file_path"),
    ],
)
def test_what_a_wrong_name_probably_means(name: str, meant: str) -> None:
    assert suggestion(name, NAMES) == f"; did you mean {meant}?"
