"""A Beam filesystem like object storage: whole objects with flat names, no folders, no append. It is in this process's memory."""

import fnmatch
import io
import re
import threading
from collections.abc import Iterator
from typing import Any

from apache_beam.io.filesystem import BeamIOError, CompressedFile, CompressionTypes, FileMetadata, FileSystem

OBJECTS: dict[str, bytes] = {}
_LOCK = threading.Lock()


class _Upload(io.BytesIO):
    """Becomes an object when it is closed."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def close(self) -> None:
        if not self.closed:
            with _LOCK:
                OBJECTS[self._path] = self.getvalue()
        super().close()


class ObjectStorage(FileSystem):
    """Paths are ``objects://bucket/name``."""

    @classmethod
    def scheme(cls) -> str:
        return "objects"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *(path.strip("/") for path in paths)])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path: str) -> None:
        pass

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        with _LOCK:
            found = [(name, len(content)) for name, content in sorted(OBJECTS.items()) if name.startswith(dir_or_prefix)]
        return (FileMetadata(name, size, 0.0) for name, size in found)

    def create(self, path: str, mime_type: str = "", compression_type: Any = CompressionTypes.AUTO) -> Any:
        return self._wrapped(_Upload(path), path, compression_type)

    def open(self, path: str, mime_type: str = "", compression_type: Any = CompressionTypes.AUTO) -> Any:
        with _LOCK:
            if path not in OBJECTS:
                raise BeamIOError("no such object", {path: OSError(2, "no such object")})
            content = OBJECTS[path]
        return self._wrapped(io.BytesIO(content), path, compression_type)

    def _wrapped(self, raw: Any, path: str, compression_type: Any) -> Any:
        kind = self._get_compression_type(path, compression_type)
        return raw if kind == CompressionTypes.UNCOMPRESSED else CompressedFile(raw, kind)

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        with _LOCK:
            for source, destination in zip(source_file_names, destination_file_names, strict=True):
                OBJECTS[destination] = OBJECTS[source]

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        self.copy(source_file_names, destination_file_names)
        self.delete(source_file_names)

    def exists(self, path: str) -> bool:
        return path in OBJECTS

    def size(self, path: str) -> int:
        return len(OBJECTS[path])

    def last_updated(self, path: str) -> float:
        return 0.0

    def checksum(self, path: str) -> str:
        return str(hash(OBJECTS[path]))

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, len(OBJECTS[path]), 0.0)

    def delete(self, paths: list[str]) -> None:
        with _LOCK:
            for path in paths:
                for name in [name for name in OBJECTS if re.match(fnmatch.translate(path), name)]:
                    del OBJECTS[name]
