"""``python -m beam_distill.simulator``."""

import argparse
import sys

from beam_distill.simulator.command import add_arguments, run

parser = argparse.ArgumentParser(prog="python -m beam_distill.simulator", allow_abbrev=False)
add_arguments(parser)
sys.exit(run(parser.parse_args()))
