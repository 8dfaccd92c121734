"""Input files to rows with a key, in input order. Plain Python: Beam is not needed to test it."""
