"""From files as people have them to rows with a key, in input order. Plain Python: Beam is not needed to test it."""
