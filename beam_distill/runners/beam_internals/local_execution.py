"""Beam's in-process runner, and workers of this machine for it."""

from __future__ import annotations

from typing import Any


def in_process_runner(worker_command: str | None = None) -> Any:
    """The runner that works in this process, or by processes that ``worker_command`` starts, which a shell reads.

    Not "DirectRunner": that looks for a binary on the network before it runs in process.
    """
    # late: keeps Beam out of the start
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    if worker_command is None:
        return FnApiRunner()
    return FnApiRunner(default_environment=SubprocessSDKEnvironment.from_command_string(worker_command))


def serve_as_worker(argv: list[str]) -> None:
    """Be a worker of the runner that the environment of this process names, until it has no more work."""
    # late: keeps Beam out of the start
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(argv)
