"""What is done with small files, on this machine or on a filesystem far away."""

from collections.abc import Iterator
from typing import IO, BinaryIO, Protocol


class Files(Protocol):
    """One filesystem. Every method raises OSError, or what the filesystem itself raises."""

    def read(self, path: str) -> bytes:
        """All that a file holds."""

    def open(self, path: str) -> BinaryIO:
        """A file's own bytes as they are stored, not unpacked, to be read once and closed."""

    def lines(self, path: str) -> Iterator[str]:
        """The lines of a text, one at a time, with their line ends; none when there is no such file."""

    def write_whole(self, path: str, content: bytes, durable: bool = True) -> None:
        """Write a file whole or not at all, and make the folders that it needs.

        ``durable`` waits until it is on the disk; a note that is soon written again needs no such wait.
        """

    def create(self, path: str) -> IO[str]:
        """A file to write a long text into; storage without folders shows it when it is closed."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""

    def make_folder(self, path: str) -> None:
        """Make a folder unless it is there, or another worker makes it at the same moment; storage without folders does nothing."""

    def remove(self, path: str) -> None:
        """Remove a file, if there is one."""
