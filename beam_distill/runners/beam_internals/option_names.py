"""The names of Beam's own options, which it declares with argparse and lists nowhere."""

from __future__ import annotations

import argparse

from apache_beam.options.pipeline_options import PipelineOptions


def beam_option_names() -> list[str]:
    """All of them in order, without hyphens before them."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False, conflict_handler="resolve")
    for options in PipelineOptions.__subclasses__():
        if options.__module__.startswith("apache_beam"):
            options._add_argparse_args(parser)
    return sorted({text.lstrip("-") for action in parser._actions for text in action.option_strings if text.startswith("--")})
