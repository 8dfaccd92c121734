"""Beam's own options on our command line, and the check for unknown arguments."""

from __future__ import annotations

from beam_distill.config.sources import check_leftovers


def check_beam_arguments(leftovers: list[str], command: str) -> None:
    """Raises SettingsError for arguments that are not options of Beam."""
    if leftovers:
        # late: keeps Beam out of the start
        from beam_distill.runners.beam_internals.option_names import beam_option_names

        check_leftovers(leftovers, beam_option_names(), command)
