"""From files of JSON lines to rows with a key, in input order. Standard library and orjson only."""
