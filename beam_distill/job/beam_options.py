"""Beam's own options from the user: parsed, checked, and set for its filesystems."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beam_distill.config.runner import as_arguments
from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode, RunRefused

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


@dataclass(frozen=True, slots=True)
class BeamGiven:
    """Beam's own options from the user, in the config file and on the command line; they override ours."""

    argv: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """The given options by name. Raises RunRefused for a value that Beam does not accept."""
        given: dict[str, Any] = _read(self.argv).get_all_options(drop_default=True)
        return given


def beam_given(resolved: ResolvedSettings, beam_argv: list[str]) -> BeamGiven:
    """Beam's options from the config file, then those of the command line."""
    return BeamGiven((*as_arguments(resolved.settings.beam_options or {}), *beam_argv))


def use_storage_options(given: BeamGiven) -> None:
    """Configure Beam's filesystems with the storage accounts in its options."""
    # late: keeps Beam out of the start
    from apache_beam.io.filesystems import FileSystems

    FileSystems.set_options(_read(given.argv))


def _read(argv: Iterable[str]) -> PipelineOptions:
    """For a wrong value, Beam would end the process and print all its options; the user gets the one relevant line."""
    # late: keeps Beam out of the start
    from apache_beam.options.pipeline_options import PipelineOptions

    said = io.StringIO()
    try:
        with redirect_stderr(said):
            options = PipelineOptions(list(argv))
            options.get_all_options()
    except SystemExit:
        line = (said.getvalue().strip().splitlines() or ["not understood"])[-1]
        raise RunRefused(ExitCode.WRONG_INPUT, f"Beam's options: {line.partition('error: ')[2] or line}") from None
    print(said.getvalue(), end="", file=sys.stderr)
    return options
