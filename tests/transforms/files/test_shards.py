"""The names of a dataset that is written in several files."""

from pathlib import Path

import pytest

from transforms.files.matching import matching_files
from transforms.files.shards import published_as, shard_path, shard_paths


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("train.jsonl", "train-00017-of-00100.jsonl"),
        ("a.b/train.jsonl.gz", "a.b/train-00017-of-00100.jsonl.gz"),
        ("azfs://account/box/train.parquet", "azfs://account/box/train-00017-of-00100.parquet"),
        ("/out/train", "/out/train-00017-of-00100"),
        ("/out/.train", "/out/.train-00017-of-00100"),
    ],
)
def test_the_number_comes_before_the_suffixes(path: str, expected: str) -> None:
    assert shard_path(path, 17, 100) == expected


def test_a_dataset_is_found_by_its_path_or_by_a_pattern() -> None:
    assert published_as("out/train.jsonl", None) == "out/train.jsonl"
    assert published_as("out/train.jsonl", 8) == "out/train-*-of-00008.jsonl"


@pytest.mark.parametrize("folder", ["a[1]", "a*", "a?"])
def test_the_pattern_of_shards_finds_them_whatever_letters_are_in_the_path(tmp_path: Path, folder: str) -> None:
    for name in (folder, "a1", "ab"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"train[x]-{number:05d}-of-00002.jsonl").touch()
    shards = [str(tmp_path / folder / f"train[x]-{number:05d}-of-00002.jsonl") for number in range(2)]
    pattern = published_as(str(tmp_path / folder / "train[x].jsonl"), 2)
    assert matching_files(pattern) == shards
    assert sorted(str(path) for path in tmp_path.glob(pattern.removeprefix(f"{tmp_path}/"))) == shards


def test_shards_of_any_number_are_found_and_nothing_else(tmp_path: Path) -> None:
    shards = ["train-00000-of-00002.jsonl", "train-00001-of-00002.jsonl", "train-00004-of-00008.jsonl"]
    for name in [*shards, "train.jsonl", "train-one-of-many.jsonl", "train-00000-of-00002.jsonl.previous", "train2-00000-of-00002.jsonl"]:
        (tmp_path / name).touch()
    assert shard_paths(str(tmp_path / "train.jsonl")) == [str(tmp_path / name) for name in shards]
