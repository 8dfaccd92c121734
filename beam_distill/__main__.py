"""``python -m beam_distill``."""

import sys

from beam_distill.cli.main import main

sys.exit(main())
