"""Beam's own options on our command line, apart from arguments that nobody takes."""

from __future__ import annotations

import argparse

from beam_distill.config.sources import check_leftovers


def check_beam_arguments(leftovers: list[str]) -> None:
    """Raises SettingsError for arguments that are not options of Beam's."""
    check_leftovers(leftovers, _option_names() if leftovers else ())


def _option_names() -> list[str]:
    # late: keeps Beam out of the start
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        if options.__module__.startswith("apache_beam"):
            options._add_argparse_args(parser)
    return sorted({text.lstrip("-") for action in parser._actions for text in action.option_strings if text.startswith("--")})
