"""Which files a path or pattern means. A path that exists is that file, whatever its name holds; Beam's filesystems have no way to say so."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress

from transforms.files.dataset_folder import data_files
from transforms.files.paths import is_remote
from transforms.files.stored import exists, through_beam

PATTERN_LETTERS = frozenset("*?[")


def is_pattern(path: str) -> bool:
    """Whether Beam's filesystems take the path for a pattern."""
    return not PATTERN_LETTERS.isdisjoint(path)


def sizes_of(pattern: str) -> dict[str, int]:
    """The files that a path or pattern means, and their bytes as they are stored.

    In patterns, ``*`` and ``?`` keep to one folder, ``**`` does not and ``**/`` may be no folder at all, ``[ab]`` is one of these letters. On
    this machine, the folders at the beginning that exist are taken as they are, files and folders that begin with a dot are left out unless
    the pattern names such a one, as shells do (notebooks and macOS leave copies there), and a folder that holds a saved dataset means its
    data files.
    """
    if not is_remote(pattern):
        return {path: _size_of(path) for path in _local(pattern)}
    beam = through_beam()
    if "[" in pattern and exists(pattern):
        return {pattern: beam.size_of(pattern)}
    found: dict[str, int] = beam.sizes_of([*_spellings(pattern)])
    return found


def matching_files(pattern: str) -> list[str]:
    """The files that a path or pattern means, sorted; the order that line numbers and output follow."""
    return sorted(sizes_of(pattern))


def matches(pattern: str, path: str) -> bool:
    """Whether the pattern takes in this path, also where there is no such file yet."""
    if is_remote(pattern) or is_remote(path):
        return any(re.match(as_regex(one, r"[^/\\]"), path) for one in _spellings(pattern))
    if os.path.lexists(pattern):
        return os.path.realpath(pattern) == os.path.realpath(path)
    folder, rest = _literal_folder(pattern)
    relative = os.path.relpath(os.path.realpath(path), os.path.realpath(folder or "."))
    if relative.startswith(os.pardir + os.sep) or (_is_hidden(relative) and not _is_hidden(rest)):
        return False
    return any(wanted.match(relative) for wanted in _regexes(rest))


def _local(pattern: str) -> Iterator[str]:
    if os.path.isdir(pattern):
        yield from data_files(pattern)
        return
    if os.path.lexists(pattern):
        yield pattern
        return
    folder, rest = _literal_folder(pattern)
    if not is_pattern(rest):
        return
    wanted = _regexes(rest)
    everywhere = "**" in rest
    # below the last folder that the pattern can mean there is nothing to look for, so links to folders cannot lead in circles
    for root, folders, names in os.walk(folder or ".", followlinks=not everywhere):
        here = os.path.relpath(root, folder or ".")
        if not everywhere and here != "." and here.count(os.sep) + 1 >= rest.count(os.sep):
            folders.clear()
        if not everywhere and here == "." and os.sep not in rest:
            folders.clear()
        if not _is_hidden(rest):
            folders[:] = [name for name in folders if not _is_hidden(name)]
        for name in names:
            relative = name if here == "." else os.path.join(here, name)
            if any(one.match(relative) for one in wanted) and (_is_hidden(rest) or not _is_hidden(name)):
                yield os.path.join(folder, relative)


def _is_hidden(relative: str) -> bool:
    """Whether a path or pattern has a part that begins with a dot."""
    return f"{os.sep}." in os.sep + relative


def _spellings(pattern: str) -> Iterator[str]:
    """The pattern as Beam takes it, where ``**/`` is at least one folder, with and without each: for shells it may be none. They also
    know ``[^a]`` for ``[!a]``."""
    pattern = pattern.replace("[^", "[!")
    head, many, tail = pattern.partition("**/")
    if not many or head[-1:] not in ("", "/"):
        yield pattern
        return
    for rest in _spellings(tail):
        yield head + many + rest
        yield head + rest


def _regexes(pattern: str) -> list[re.Pattern[str]]:
    # here a backslash is a letter like any other
    return [re.compile(as_regex(one, "[^/]")) for one in _spellings(pattern)]


_TOKEN = re.compile(r"\*\*|\*|\?|\[((?:!|(?!!))(?:\][^\]]*|[^\]]+))\]|.", re.DOTALL)


def as_regex(pattern: str, within_a_folder: str) -> str:
    """The regular expression of a pattern as Beam's filesystems read it; ``within_a_folder`` is what a letter that ``*`` takes in may be."""

    def part(token: re.Match[str]) -> str:
        letters = token[1]
        if letters is None:
            return {"**": ".*", "*": within_a_folder + "*", "?": "."}.get(token[0], re.escape(token[0]))
        letters = letters.replace("\\", "\\\\")
        return f"[{'^' + letters[1:] if letters[0] == '!' else chr(92) + letters if letters[0] == '^' else letters}]"

    return rf"(?ms){_TOKEN.sub(part, pattern)}\Z"


def _literal_folder(pattern: str) -> tuple[str, str]:
    """The folders at the beginning of a pattern that exist as they are written, and the rest."""
    at = len(pattern)
    while (at := pattern.rfind(os.sep, 0, at)) >= 0:
        folder = pattern[: at or 1]
        if os.path.isdir(folder):
            return folder, pattern[at:].lstrip(os.sep)
    return "", pattern


def _size_of(path: str) -> int:
    with suppress(OSError):  # whoever reads it says what is wrong with it
        return os.stat(path).st_size
    return 0


def cannot_be_read_twice(path: str) -> bool:
    """Whether a file of this machine gives what it holds only once, as a pipe does. Does not open it, for that may wait for ever."""
    if is_remote(path):
        return False
    with suppress(OSError):
        mode = os.stat(path).st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False
