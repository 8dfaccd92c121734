"""The files that match a path or pattern. An existing path is that file, also with pattern characters; Beam's filesystems cannot do that."""

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
    """Whether Beam's filesystems read the path as a pattern."""
    return not PATTERN_LETTERS.isdisjoint(path)


def sizes_of(pattern: str) -> dict[str, int]:
    """The files that match a path or pattern, and their stored bytes.

    In patterns, ``*`` and ``?`` stay within one folder, ``**`` does not, ``**/`` may be empty, ``[ab]`` is one of these letters. For local
    patterns, existing folders at the beginning are literal; names with a leading dot are ignored unless the pattern has the dot, as in
    shells (notebooks and macOS leave copies there); and a folder with a saved dataset means its data files.
    """
    if not is_remote(pattern):
        return {path: _size_of(path) for path in _local(pattern)}
    beam = through_beam()
    if "[" in pattern and exists(pattern):
        return {pattern: beam.state_of(pattern)[0]}
    found: dict[str, int] = beam.sizes_of([*_spellings(pattern)])
    return found


def matching_files(pattern: str) -> list[str]:
    """The files that match a path or pattern, sorted; line numbers and output have this order."""
    return sorted(sizes_of(pattern))


def matches(pattern: str, path: str) -> bool:
    """Whether the pattern matches this path, also if the file does not exist."""
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
    # nothing can match below the pattern's last folder, so links to folders cannot cause endless loops
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
    """The pattern for Beam with and without each ``**/``, which is at least one folder for Beam and may be none for shells. Shells also
    accept ``[^a]`` for ``[!a]``."""
    pattern = pattern.replace("[^", "[!")
    head, many, tail = pattern.partition("**/")
    if not many or head[-1:] not in ("", "/"):
        yield pattern
        return
    for rest in _spellings(tail):
        yield head + many + rest
        yield head + rest


def _regexes(pattern: str) -> list[re.Pattern[str]]:
    # a backslash has no special meaning here
    return [re.compile(as_regex(one, "[^/]")) for one in _spellings(pattern)]


_TOKEN = re.compile(r"\*\*|\*|\?|\[((?:!|(?!!))(?:\][^\]]*|[^\]]+))\]|.", re.DOTALL)


def as_regex(pattern: str, within_a_folder: str) -> str:
    """The regular expression of a pattern as Beam's filesystems read it; ``within_a_folder`` matches one character of ``*``."""

    def part(token: re.Match[str]) -> str:
        letters = token[1]
        if letters is None:
            return {"**": ".*", "*": within_a_folder + "*", "?": "."}.get(token[0], re.escape(token[0]))
        letters = letters.replace("\\", "\\\\")
        return f"[{'^' + letters[1:] if letters[0] == '!' else chr(92) + letters if letters[0] == '^' else letters}]"

    return rf"(?ms){_TOKEN.sub(part, pattern)}\Z"


def _literal_folder(pattern: str) -> tuple[str, str]:
    """The beginning of a pattern that is an existing folder, and the rest."""
    at = len(pattern)
    while (at := pattern.rfind(os.sep, 0, at)) >= 0:
        folder = pattern[: at or 1]
        if os.path.isdir(folder):
            return folder, pattern[at:].lstrip(os.sep)
    return "", pattern


def _size_of(path: str) -> int:
    with suppress(OSError):  # the reader reports the error
        return os.stat(path).st_size
    return 0


def cannot_be_read_twice(path: str) -> bool:
    """Whether a local file can be read only once, like a pipe. Does not open it, because that may block for ever."""
    if is_remote(path):
        return False
    with suppress(OSError):
        mode = os.stat(path).st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False
