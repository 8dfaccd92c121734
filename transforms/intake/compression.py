"""Compressed files, unpacked while they are read. A truncated file is an error, not the end of the file."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from typing import Any

from transforms.intake.formats.base import UnusableFile
from transforms.intake.lines import ByteSource


def _zstd(source: Any) -> Any:
    # late: keeps PyArrow out of the start
    import pyarrow

    return pyarrow.CompressedInputStream(pyarrow.PythonFile(source, mode="r"), "zstd")


_OPENERS: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda source: gzip.GzipFile(fileobj=source, mode="rb"),
    ".zst": _zstd,
    ".zstd": _zstd,
    ".gzip": lambda source: gzip.GzipFile(fileobj=source, mode="rb"),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
    ".lzma": lzma.LZMAFile,
}


def without_compression_suffix(path: str) -> str:
    """``rows.csv.gz`` as ``rows.csv``; other paths unchanged."""
    for suffix in _OPENERS:
        if path.lower().endswith(suffix):
            return path[: -len(suffix)]
    return path


def unpacked(path: str, source: Any) -> Any:
    """The content of an open file, unpacked if the suffix of ``path`` is that of a compression; else the file itself."""
    for suffix, opener in _OPENERS.items():
        if path.lower().endswith(suffix):
            try:
                return _Unpacked(opener(source), suffix[1:])
            except OSError as error:
                raise _broken(suffix[1:], error, has_begun=False) from None
    return source


class _Unpacked:
    """The unpacked bytes; a damaged or truncated file raises UnusableFile, whatever its library raises."""

    def __init__(self, stream: ByteSource, name: str) -> None:
        # read what is available: if more is requested, the libraries drop the bytes before the damage
        self._read = getattr(stream, "read1", stream.read)
        self._name = name
        self._has_begun = False

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        try:
            read = self._read(size)
        except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            raise _broken(self._name, error, self._has_begun or isinstance(error, EOFError)) from None
        self._has_begun = True
        return read


def _broken(name: str, error: Exception, has_begun: bool) -> Exception:
    if isinstance(error, OSError) and error.errno:
        return error  # the disk or the network, not the file
    if "requires too much memory" in str(error):
        return UnusableFile("the zst file was packed with a longer window than readers take (zstd --long); unpack it: zstd -d --long=31 FILE")
    if not has_begun:
        remedy = f"If it is not compressed, remove .{name} from its name; else get it again"
        return UnusableFile(f"the file is named .{name} and does not begin as such a file does ({error}). {remedy}")
    return UnusableFile(f"the {name} file breaks off or is damaged ({error}); what follows cannot be read. Get it again or unpack what is whole")
