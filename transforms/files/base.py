"""Operations on small files, on this machine or on a remote filesystem."""

from collections.abc import Iterator
from typing import IO, BinaryIO, Protocol


class Files(Protocol):
    """One filesystem. Every method raises OSError, or the filesystem's own exceptions."""

    def read(self, path: str) -> bytes:
        """The content of a file."""

    def open(self, path: str) -> BinaryIO:
        """The stored bytes of a file, not unpacked, to be read once and closed."""

    def open_ranges(self, path: str) -> BinaryIO:
        """The same, to be read here and there: nothing is read ahead, and a read may give less than it was asked for."""

    def lines(self, path: str) -> Iterator[str]:
        """The lines of a text, one at a time, with their line ends; empty if the file does not exist."""

    def write_whole(self, path: str, content: bytes, durable: bool = True) -> None:
        """Write a file atomically, and make its folders.

        ``durable`` waits until it is on the disk; a file that is soon written again does not need this.
        """

    def create_bytes(self, path: str) -> BinaryIO:
        """A file to write bytes into as they are; storage without folders shows it when it is closed."""

    def create(self, path: str) -> IO[str]:
        """A file for writing a long text; on object storage it appears when it is closed."""

    def exists(self, path: str) -> bool:
        """Whether the file exists."""

    def make_folder(self, path: str) -> None:
        """Make a folder unless it exists, also if another worker makes it at the same time; does nothing on object storage."""

    def remove(self, path: str) -> None:
        """Remove a file, if it exists."""
