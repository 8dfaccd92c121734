"""The inputs of a job as flags of a command."""

from __future__ import annotations

import argparse

from beam_distill.config.base import GROUPS
from beam_distill.config.flags import SettingsHelp, add_setting_flags

_EPILOG = (
    "--help-all shows every input; Beam's own options are passed through. Flags override BEAM_DISTILL_* environment variables, "
    "which override --config, which overrides the defaults."
)


def declare_inputs(parser: argparse.ArgumentParser, show_all: bool, groups_shown: tuple[str, ...] = GROUPS) -> None:
    """Declare them. Without ``show_all`` the help has only the common ones of ``groups_shown``."""
    parser.formatter_class = SettingsHelp
    parser.epilog = _EPILOG
    add_setting_flags(parser, show_all=show_all, groups_shown=groups_shown)
