"""What Beam's filesystems do not agree on."""

from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems


def exists(path: str) -> bool:
    """Whether there is such a file. Azure's filesystem raises for one that is not there, where others say no."""
    try:
        return bool(FileSystems.exists(path))
    except BeamIOError as error:
        if any(getattr(cause, "code", None) == 404 for cause in (error.exception_details or {}).values()):
            return False
        raise
