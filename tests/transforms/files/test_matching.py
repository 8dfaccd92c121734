"""Patterns mean here what they mean to Beam's filesystems."""

import random
import re
from pathlib import Path

import pytest
from apache_beam.io.filesystem import FileSystem

from transforms.files.matching import as_regex, matching_files, sizes_of

WRITTEN = ["*", "**", "?", "***", "[ab]", "[!ab]", "[^ab]", "[]a]", "[!]a]", "[a-c]", "[[a]", r"[\\]"]
WRITTEN += ["[]", "[!]", "[", "[a", "x[!", r"a\b", "a.b+c", ""]
LETTERS = "ab/\\[]!^-*?.\n"


@pytest.mark.parametrize("pattern", WRITTEN)
def test_every_kind_of_pattern_becomes_the_expression_that_beam_makes_of_it(pattern: str) -> None:
    assert as_regex(pattern, r"[^/\\]") == FileSystem.translate_pattern(pattern)


def test_any_typed_pattern_becomes_that_expression_too() -> None:
    chance = random.Random(4)
    for _ in range(20_000):
        pattern = "".join(chance.choice(LETTERS) for _ in range(chance.randrange(12)))
        assert as_regex(pattern, r"[^/\\]") == FileSystem.translate_pattern(pattern), pattern


def test_on_this_machine_a_backslash_is_an_ordinary_character() -> None:
    assert re.match(as_regex("a*c", "[^/]"), r"a\c")
    assert not re.match(as_regex("a*c", "[^/]"), "a/c")


def test_files_of_a_pattern_come_in_order_with_their_bytes(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", ".hidden.jsonl", "c.txt"):
        (tmp_path / name).write_text(name)
    pattern = str(tmp_path / "*.jsonl")
    assert matching_files(pattern) == [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    assert set(sizes_of(pattern).values()) == {len("a.jsonl")}
