"""The storage accounts in Beam's options, for commands that read a job's files and do not run it."""

from __future__ import annotations

from beam_distill.cli.command import Call
from beam_distill.job.beam_options import beam_given, use_storage_options
from transforms.files.paths import is_remote


def use_storage_accounts(call: Call) -> None:
    """Configure Beam's filesystems with them, if the job has a remote file. Raises RunRefused for a wrong option."""
    if any(is_remote(path) for path in call.resolved.settings.storage_paths):
        use_storage_options(beam_given(call.resolved, call.leftovers))
