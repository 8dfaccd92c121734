"""Rows that double others are left out in reading order; each reject names the row that it doubles."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from prompts_in_bulk import near_doubles, rows_of, with_copies

from transforms.elements.data_specs import ColumnSpec, DoublesSpec, InputSpec, SplitFiles
from transforms.elements.flow import Row
from transforms.elements.parts import Stretch
from transforms.elements.rows import ChatMessage, RejectedRow, RowOrigin, Split, TrainingRow
from transforms.files.stored import open_as_stored
from transforms.intake.doubles import sieve
from transforms.intake.doubles.first_rows import FirstRows
from transforms.intake.doubles.left_out import LeftOutRows
from transforms.intake.doubles.seen_rows import SeenRows
from transforms.intake.doubles.shared_words import SharedWords, shared_words
from transforms.intake.doubles.sketches import BANDS, SIGNATURE_BYTES, Sketcher, Sketches
from transforms.intake.doubles.words import WordNumbers
from transforms.intake.parts import whole_files
from transforms.intake.read_spec import ReadSpec
from transforms.intake.walk import walk_split, walk_stretch

LONG = "A farmer has twelve cows and buys seven more at the market before he sells five of them to his neighbour who lives behind the hill"
OTHER = "What is the name of the river that runs through the city where the poet was born in the year of the great fire and the flood"


def user(text: str, **columns: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": text}], **columns}


def input_of(folder: Path, train: Sequence[object], validation: Sequence[object] = (), **doubles: object) -> InputSpec:
    for name, rows in (("train", train), ("validation", validation)):
        (folder / f"{name}.jsonl").write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    splits = [SplitFiles(Split.TRAIN, f"{folder}/train.jsonl", None)]
    if validation:
        splits.append(SplitFiles(Split.VALIDATION, f"{folder}/validation.jsonl", None))
    return InputSpec(tuple(splits), doubles=DoublesSpec(**doubles))  # type: ignore[arg-type]


def walked(spec: InputSpec) -> list[Row]:
    return [row for files in spec.splits for row in walk_split(spec, files)]


def left_out(spec: InputSpec) -> list[tuple[str, int, str, str]]:
    rejects = (row for row in walked(spec) if isinstance(row, RejectedRow))
    where = str(Path(spec.splits[0].pattern or "").parent)
    return [(row.origin.split.value, row.origin.line, row.reason, row.detail.replace(where, "")) for row in rejects]


def test_an_exact_double_names_the_first_row_and_keeps_its_own_key(tmp_path: Path) -> None:
    spec = input_of(tmp_path, [user("one"), "no json", user("two"), user("one"), user("one"), user("two")], drop="exact")
    assert left_out(spec) == [
        ("train", 2, "invalid_json", left_out(spec)[0][3]),
        ("train", 4, "exact_double", "asks the same as line 1 of /train.jsonl"),
        ("train", 5, "exact_double", "asks the same as line 1 of /train.jsonl"),
        ("train", 6, "exact_double", "asks the same as line 3 of /train.jsonl"),
    ]
    off = replace(spec, doubles=DoublesSpec())
    assert [(row.row_key, row.origin) for row in walked(spec)] == [(row.row_key, row.origin) for row in walked(off)]
    assert sum(isinstance(row, RejectedRow) for row in walked(off)) == 1


@pytest.mark.parametrize("several_turns", [False, True])
def test_what_is_compared_is_what_is_sent(several_turns: bool, tmp_path: Path) -> None:
    def chat(first: str, last: str) -> dict[str, object]:
        texts = [("user", "hello"), ("assistant", first), ("user", "go on"), ("assistant", last)]
        return {"messages": [{"role": role, "content": text} for role, text in texts]}

    spec = input_of(tmp_path, [chat("a", "x"), chat("a", "y"), chat("b", "x")], drop="exact", several_turns=several_turns)
    # the old answer at the end is never sent; earlier ones are sent by tasks with one answer
    assert [line for _, line, _, _ in left_out(spec)] == ([2, 3] if several_turns else [2])


def test_a_label_of_its_own_column_does_not_make_another_row(tmp_path: Path) -> None:
    rows = [user("one", label="a"), user("one", label="b")]
    spec = replace(input_of(tmp_path, rows, drop="exact"), columns=ColumnSpec(label="label"))
    assert [line for _, line, _, _ in left_out(spec)] == [2]


def test_a_near_double_is_found_in_spite_of_case_spaces_and_a_word(tmp_path: Path) -> None:
    long = f"{LONG} and {OTHER} and so on until the end of a long story"
    other_word = long.replace("market", "fair")
    spec = input_of(tmp_path, [user(long), user(OTHER), user(f"  {long.upper()}\n"), user(other_word), user("market")], drop="near")
    (third, fourth) = left_out(spec)
    assert third == ("train", 3, "near_double", "asks nearly the same as line 1 of /train.jsonl (estimated similarity 1.00)")
    assert fourth[:3] == ("train", 4, "near_double")
    assert fourth[3].startswith("asks nearly the same as line 1 of /train.jsonl (estimated similarity 0.")
    assert not left_out(replace(spec, doubles=DoublesSpec("exact")))
    assert len(left_out(replace(spec, doubles=DoublesSpec("near", 1.0)))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cafe\u0301 \uff21\u3000B c d e", "caf\u00e9 a b C d E"),
        ("請問日本的首都在哪裡", "請問 日本的首都在哪裡"),
        ("What is 2 + 2?", "what IS 2 + 2?"),
    ],
)
def test_forms_of_unicode_and_scripts_without_spaces(one: str, other: str, tmp_path: Path) -> None:
    spec = input_of(tmp_path, [user(one), user(other), user("something else")], drop="near")
    assert [line for _, line, _, _ in left_out(spec)] == [2]


def test_half_a_surrogate_and_nothing_but_control_characters_are_compared(tmp_path: Path) -> None:
    spec = input_of(tmp_path, [user("\x01"), user("\x02"), user(f"{LONG} \ud800"), user(f"{LONG}  \ud800")], drop="near")
    assert all(isinstance(row, (TrainingRow, RejectedRow)) for row in walked(spec))
    assert [row.origin.line for row in walked(spec)] == [1, 2, 3, 4]


def test_another_system_message_asks_something_else(tmp_path: Path) -> None:
    def asked(system: str, text: str) -> dict[str, object]:
        return {"messages": [{"role": "system", "content": system}, {"role": "user", "content": text}]}

    rows = [asked("Answer in French.", LONG), asked("Answer in Greek.", LONG), asked("answer  in greek.", LONG.upper()), user(LONG)]
    found = left_out(input_of(tmp_path, rows, drop="near"))
    assert [(line, detail.split(" (")[0]) for _, line, _, detail in found] == [(3, "asks nearly the same as line 2 of /train.jsonl")]


def test_instructions_that_all_rows_share_do_not_make_them_alike(tmp_path: Path) -> None:
    before, after = f"{LONG} {OTHER} " * 5, f" {OTHER} {LONG}" * 3
    rows = [user(f"{before}question {number} {number} {number} {number}{after}") for number in range(100)]
    assert not left_out(input_of(tmp_path, [*rows, user(before), user(f"new{after}")], drop="near"))
    assert [line for _, line, _, _ in left_out(input_of(tmp_path, [*rows, rows[3]], drop="near"))] == [101]


def test_shared_words_are_not_known_of_a_few_rows() -> None:
    rows = rows_of([f"Say it: {number} please" for number in range(9)])
    assert not any(map(len, shared_words([*rows, *rows], False)))
    first, last = shared_words(rows_of([f"Say it: {number} please" for number in range(10)]), False)
    assert (first.tolist(), last.tolist()) == (words("say it:"), words("please"))


@pytest.mark.parametrize(
    ("texts", "others"),
    [
        (["a b x c"], ["x"]),
        (["a b c", "a b"], ["a b c", "a b"]),  # nothing else is left of them
        (["x", "", "a b y c z", "a b a b c c"], ["x", "", "y c z", "a b c"]),
    ],
)
def test_shared_words_are_left_out_at_the_begin_and_at_the_end(texts: list[str], others: list[str]) -> None:
    shared = SharedWords(*(WordNumbers().of([text]).numbers for text in ("a b", "c")))
    left = shared.left_out_of(WordNumbers().of(texts))
    assert [left.numbers[begin:end].tolist() for begin, end in pairwise(left.bounds)] == [words(text) for text in others]


def words(text: str) -> list[int]:
    numbers: list[int] = WordNumbers().of([text]).numbers.tolist()
    return numbers


def test_a_leak_is_left_out_of_train_alone(tmp_path: Path) -> None:
    spec = input_of(
        tmp_path, [user(LONG), user("one"), user(OTHER)], [user("one"), user("two"), user(f"{LONG.upper()} "), user("two")], leaks=True
    )
    assert left_out(spec) == [
        ("train", 1, "leak", "asks nearly the same as line 3 of /validation.jsonl (estimated similarity 1.00), a validation row"),
        ("train", 2, "leak", "asks the same as line 1 of /validation.jsonl, a validation row"),
    ]
    both = left_out(replace(spec, doubles=DoublesSpec("exact", leaks=True)))
    assert [(split, line, reason) for split, line, reason, _ in both][2:] == [("validation", 4, "exact_double")]


def test_rows_of_a_test_set_are_contaminated(tmp_path: Path) -> None:
    (tmp_path / "tests.csv").write_text(f'question,answer\n"{OTHER}",x\nshort one,y\n')
    words = OTHER.split()
    rows = [
        user(f"Before that: {' '.join(words[4:17])} or not?"),
        user(f"Before that: {' '.join(words[4:16])} or not?"),
        user("Short   ONE"),
        user(LONG),
    ]
    against = DoublesSpec(against=f"{tmp_path}/*.csv", against_columns=ColumnSpec(user_template="{{question}}"))
    assert left_out(replace(input_of(tmp_path, rows), doubles=against)) == [
        ("train", 1, "contaminated", "has 13 words in a row in common with line 2 of /tests.csv"),
        ("train", 3, "contaminated", "asks nearly the same as line 3 of /tests.csv (estimated similarity 1.00)"),
    ]


def test_the_gravest_reason_is_given(tmp_path: Path) -> None:
    (tmp_path / "tests.jsonl").write_text(json.dumps(user("one")))
    spec = input_of(tmp_path, [user("two"), user("two"), user("one"), user("one"), user("three"), user("three")], [user("two"), user("one")])
    spec = replace(spec, doubles=DoublesSpec("near", leaks=True, against=f"{tmp_path}/tests.jsonl"))
    assert [(split, line, reason) for split, line, reason, _ in left_out(spec)] == [
        ("train", 1, "leak"),
        ("train", 2, "leak"),
        ("train", 3, "contaminated"),
        ("train", 4, "contaminated"),
        ("train", 6, "exact_double"),
        ("validation", 2, "contaminated"),
    ]


def test_a_row_that_is_left_out_still_makes_a_later_one_a_double(tmp_path: Path) -> None:
    words = LONG.split() + OTHER.split() + [f"word{number}" for number in range(47)]
    chain = []
    for step in range(5):  # each differs from the one before by a word, and the last from the first by four
        changed = list(words)
        for place in range(step):
            changed[10 + 20 * place] = "changed"
        chain.append(user(" ".join(changed)))
    assert [line for _, line, _, _ in left_out(input_of(tmp_path, chain, drop="near"))] == [2, 3, 4, 5]
    assert not left_out(input_of(tmp_path, [chain[0], chain[4]], drop="near"))


@pytest.mark.parametrize("at_once", [1, 7, 1000])
def test_what_is_decided_does_not_depend_on_how_many_rows_are_decided_at_once(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = with_copies(150, 40)
    spec = input_of(tmp_path, [user(text) for text in texts], [user(text) for text in texts[::9]], drop="near", leaks=True)
    expected = left_out(spec)
    assert len(expected) > 40
    monkeypatch.setattr(sieve, "ROWS_AT_ONCE", at_once)
    monkeypatch.setattr(sieve, "_FIRST_AT_ONCE", at_once)
    assert left_out(spec) == expected


@pytest.mark.slow
def test_near_doubles_are_those_of_the_exact_similarity(tmp_path: Path) -> None:
    texts = with_copies(1500, 150)
    exact = near_doubles(texts)
    assert len(exact) >= 140
    found = {line - 1 for _, line, _, _ in left_out(input_of(tmp_path, [user(text) for text in texts], drop="near"))}
    assert len(found & exact) >= 0.95 * len(exact)
    assert len(found & exact) >= 0.99 * len(found)


def test_what_was_left_out_is_left_out_again_without_deciding_it(tmp_path: Path) -> None:
    texts = with_copies(200, 50)
    spec = input_of(tmp_path, [*map(user, texts), "no json"], drop="near")
    rows = walked(spec)
    decided = LeftOutRows()
    for row in rows:
        decided.note(row)
    packed = decided.packed()
    stretch = Stretch(whole_files(Split.TRAIN, [str(spec.splits[0].pattern)]), left_out=packed)
    assert list(walk_stretch(open_as_stored, stretch, ReadSpec.of(spec))) == rows
    assert len(packed) < 40 * sum(isinstance(row, RejectedRow) for row in rows)
    assert list(walk_stretch(open_as_stored, replace(stretch, left_out=b""), ReadSpec.of(spec))) == walked(replace(spec, doubles=DoublesSpec()))


def test_first_rows_are_those_of_a_mapping() -> None:
    chance = np.random.default_rng(5)
    first_rows = FirstRows()
    expected: dict[int, int] = {}
    row = 0
    for _ in range(60):
        numbers = chance.integers(0, 3000, chance.integers(1, 90), dtype=np.uint32)
        assert first_rows.find(numbers).tolist() == [expected.get(number, -1) for number in numbers.tolist()]
        for place, number in enumerate(numbers.tolist()):
            expected.setdefault(number, row + place)
        assert first_rows.add(numbers, row).tolist() == [expected[number] for number in numbers.tolist()]
        row += len(numbers)


def test_a_row_takes_at_most_150_bytes() -> None:
    chance = np.random.default_rng(1)
    rows, at_once = 32_768, 256
    origins = [RowOrigin(Split.TRAIN, "train.jsonl", 1, 0)] * at_once
    seen = SeenRows(True, 0.8)
    tracemalloc.start()
    try:
        for _ in range(rows // at_once):
            digests = chance.integers(0, 1 << 63, at_once, dtype=np.uint64)
            keys = chance.integers(0, 1 << 32, (at_once, BANDS), dtype=np.uint32)
            seen.add(Sketches(digests, keys, chance.integers(0, 256, (at_once, SIGNATURE_BYTES), dtype=np.uint8)), origins)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= 150 * rows
    assert peak <= 165 * rows  # while two arrays are joined


def test_words_have_the_same_numbers_in_every_process() -> None:
    numbers, bounds = WordNumbers().of(["One two  three four five six", "too short"]).groups(5)
    assert bounds.tolist() == [0, 2, 2]
    assert numbers.tolist() == EXPECTED_GROUPS
    row = TrainingRow("", RowOrigin(Split.TRAIN, "", 1, 0), (ChatMessage("user", "One two  three four five six"),))
    sketcher = Sketcher(SharedWords(), False)
    sketches = sketcher.sketches([row], sketcher.words([row]))
    assert sketches.keys[0].tolist() == EXPECTED_KEYS


EXPECTED_GROUPS = [116935291166877750, 16703919683124689128]
EXPECTED_KEYS = [2711883692, 3776522324, 2826136041, 92203628, 469287703, 658028779]


def test_the_words_of_a_very_long_prompt_are_bounded() -> None:
    chance = random.Random(1)
    assert len(words(" ".join(chance.choices("abc", k=1_000_000)))) <= 256 * 1024
