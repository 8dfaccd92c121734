"""What the files of a dataset are called that is written in several: ``train-00017-of-00100.jsonl``."""

from __future__ import annotations

import re

from transforms.files.matching import matching_files


def shard_path(path: str, number: int, count: int) -> str:
    """The name of one shard of the dataset that would have the name ``path``."""
    head, suffixes = _cut(path)
    return f"{head}-{number:05d}-of-{count:05d}{suffixes}"


def published_as(path: str, count: int | None) -> str:
    """What a published dataset is found by: its path, or a pattern of its ``count`` shards."""
    head, suffixes = _cut(path)
    return path if count is None else f"{head}-*-of-{count:05d}{suffixes}"


def shard_paths(path: str) -> list[str]:
    """The shards that are there, of whatever number, of the dataset that would have the name ``path``."""
    head, suffixes = _cut(path)
    wanted = re.compile(re.escape(head.rpartition("/")[2]) + r"-\d{5}-of-\d{5}" + re.escape(suffixes))
    return [found for found in matching_files(f"{head}-*-of-*{suffixes}") if wanted.fullmatch(found.rpartition("/")[2])]


def _cut(path: str) -> tuple[str, str]:
    """The path up to its suffixes, and these: ``.jsonl.gz``. A dot at the beginning of a name begins none."""
    folder, slash, name = path.rpartition("/")
    stem, dot, suffixes = name.partition(".")
    return (f"{folder}{slash}{stem}", f"{dot}{suffixes}") if stem else (path, "")
