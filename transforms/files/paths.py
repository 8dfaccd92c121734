"""Local and remote paths."""

import os
from pathlib import Path


def is_remote(path: str) -> bool:
    """Whether a path is not on this machine's filesystem."""
    return "://" in path


def scheme_of(path: str) -> str:
    """The filesystem that a remote path names: ``s3`` of ``s3://bucket/key``."""
    return path.partition("://")[0]


def absolute(path: str) -> str:
    """The absolute path, without a slash at its end."""
    return path.rstrip("/") if is_remote(path) else str(Path(path).absolute())


def real(path: str) -> str:
    """The path with every symbolic link followed; a remote one unchanged."""
    return path if is_remote(path) else os.path.realpath(path)


def working_directory() -> str:
    """The working directory, for messages; empty if it was removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def behind_link(path: str) -> str:
    """The file that a symbolic link names, also one that is not there yet; any other path unchanged."""
    return os.path.realpath(path) if not is_remote(path) and os.path.islink(path) else path
