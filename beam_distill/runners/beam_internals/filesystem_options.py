"""The options that Beam's filesystems have in this process: they can be set, and cannot be asked for."""

from __future__ import annotations

from collections.abc import Callable

from apache_beam.io.filesystems import FileSystems


def filesystem_options_put_back() -> Callable[[], None]:
    """What sets them again to what they are now."""
    before = FileSystems._pipeline_options

    def put_back() -> None:
        FileSystems._pipeline_options = before

    return put_back
