"""math-verify's reading of a JSON list of texts on standard input, as a JSON list on standard output: a plain number, or null.

Run as a process of its own with a time limit: math-verify bounds its time by a signal, and can hang all the same.
"""

import json
import logging
import sys

from math_verify import parse
from sympy import Expr, Integer, Rational

logging.disable(logging.CRITICAL)


def reading(text: str) -> str | None:
    try:
        found = parse(text, parsing_timeout=2, raise_on_error=False)
    except Exception:
        return None
    value = found[0] if found else None
    if not isinstance(value, Expr) or not value.is_number:
        return None
    exact = Rational(value) if value.is_Rational or value.is_Float else None
    return None if exact is None else str(exact if isinstance(exact, Integer) else float(exact))


json.dump([reading(text) for text in json.load(sys.stdin)], sys.stdout)
