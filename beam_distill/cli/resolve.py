"""Flags, environment and config file to resolved settings, and Beam's own options apart from ours."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from beam_distill.config.sources import ResolvedSettings, check_leftovers, resolve

_NOT_SETTINGS = frozenset({"command", "config", "strict", "pilot", "output", "fetch", "follow", "ended", "of", "defaults"})


def resolve_command(namespace: argparse.Namespace, leftovers: list[str], environ: Mapping[str, str]) -> tuple[ResolvedSettings, list[str]]:
    """The settings of a command, and what of its arguments is for Beam. Raises SettingsError."""
    beam_argv = beam_arguments(leftovers)
    return resolve(job_flags(namespace), getattr(namespace, "config", None), environ), beam_argv


def job_flags(namespace: argparse.Namespace) -> dict[str, Any]:
    """The inputs among a command's flags."""
    return {name: value for name, value in vars(namespace).items() if name not in _NOT_SETTINGS}


def beam_arguments(leftovers: list[str]) -> list[str]:
    """What is left of a command line, when all of it is for Beam. Raises SettingsError."""
    return check_leftovers(leftovers, _beam_option_names() if leftovers else ())


def _beam_option_names() -> list[str]:
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        if options.__module__.startswith("apache_beam"):
            options._add_argparse_args(parser)
    return sorted({text.lstrip("-") for action in parser._actions for text in action.option_strings if text.startswith("--")})
