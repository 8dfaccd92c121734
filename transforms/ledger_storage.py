"""The ledger's storage for a path: a directory, or any filesystem that Beam knows. Looked up on the worker."""

import shutil
import tempfile
from pathlib import Path
from typing import Any, Union

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.files.paths import is_remote
from transforms.ledger.segments import SUFFIX
from transforms.ledger.storage import DirectoryStorage, LedgerStorage, SealedSegments, Sealing, SegmentSink, StoredSegment


class BeamStorage:
    """Segments as objects on a filesystem of Beam's. Readers work on copies of this machine, which go with ``close``."""

    def __init__(self, sealing: Sealing) -> None:
        self.sealing = sealing
        self._copies: Union[str, None] = None

    def writer(self, folder: str, name_prefix: str, schema: dict[str, Any]) -> SegmentSink:
        return SealedSegments(_create, folder, name_prefix, schema)

    def segments(self, folder: str) -> list[StoredSegment]:
        found = FileSystems.match([f"{folder.rstrip('/')}/*{SUFFIX}"])[0].metadata_list
        listed = [StoredSegment(one.path, one.path.rpartition("/")[2], one.size_in_bytes) for one in found]
        return sorted(listed, key=lambda segment: segment.name)

    def fetch(self, segment: StoredSegment) -> Path:
        if self._copies is None:
            self._copies = tempfile.mkdtemp(prefix="ledger-")
        copy = Path(self._copies) / segment.name
        if not copy.exists():
            with FileSystems.open(segment.path, compression_type=CompressionTypes.UNCOMPRESSED) as source, open(copy, "wb") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
        return copy

    def close(self) -> None:
        if self._copies is not None:
            shutil.rmtree(self._copies, ignore_errors=True)
            self._copies = None


def _create(path: str, content: bytes) -> None:
    try:
        with FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED) as target:
            target.write(content)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own; the recorder knows one kind
        raise OSError(f"{path} cannot be written: {type(error).__name__}: {error}") from error


def storage_for(folder: str, sealing: Sealing) -> LedgerStorage:
    """Storage for the segments below ``folder``."""
    return BeamStorage(sealing) if is_remote(folder) else DirectoryStorage()
