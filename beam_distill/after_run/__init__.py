"""What a run leaves for a person: its result, summary, run.json, report, hand-off files."""
