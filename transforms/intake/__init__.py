"""From the bytes of JSONL files to rows with a key, or a reject that says which line and why."""
