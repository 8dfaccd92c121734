"""The names of a dataset's shards: ``train-00017-of-00100.jsonl``."""

from __future__ import annotations

import posixpath
import re

from transforms.files.matching import PATTERN_LETTERS, matching_files


def shard_path(path: str, number: int, count: int) -> str:
    """The name of one shard of the dataset ``path``."""
    head, suffixes = _cut(path)
    return f"{head}-{number:05d}-of-{count:05d}{suffixes}"


def published_as(path: str, count: int | None) -> str:
    """The path of a published dataset, or the pattern of its ``count`` shards; letters of patterns in the path are taken literally there."""
    head, suffixes = map(_literally, _cut(path))
    return path if count is None else f"{head}-*-of-{count:05d}{suffixes}"


def shard_paths(path: str) -> list[str]:
    """The existing shards of the dataset ``path``, whatever their number."""
    head, suffixes = _cut(path)
    folder, _, stem = head.rpartition("/")
    wanted = re.compile(re.escape(stem) + r"-\d{5}-of-\d{5}" + re.escape(suffixes))
    pattern = f"{_any_letter(head)}-*-of-*{_any_letter(suffixes)}"
    return [
        found
        for found in matching_files(pattern)
        if wanted.fullmatch(found.rpartition("/")[2]) and posixpath.normpath(found.rpartition("/")[0]) == posixpath.normpath(folder)
    ]


def _literally(text: str) -> str:
    """The text as a pattern. ``[`` becomes ``?``, since ``[[]`` may mean something else in a later Python."""
    return "".join("?" if letter == "[" else f"[{letter}]" if letter in PATTERN_LETTERS else letter for letter in text)


def _any_letter(text: str) -> str:
    """The text with ``?`` for every letter of patterns, which it matches too."""
    return "".join("?" if letter in PATTERN_LETTERS else letter for letter in text)


def _cut(path: str) -> tuple[str, str]:
    """The path without its suffixes, and the suffixes: ``.jsonl.gz``. A dot at the beginning of a name starts no suffix."""
    folder, slash, name = path.rpartition("/")
    stem, dot, suffixes = name.partition(".")
    return (f"{folder}{slash}{stem}", f"{dot}{suffixes}") if stem else (path, "")
