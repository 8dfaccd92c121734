"""A run's results for the user: result, summary, run.json, report, hand-off files."""
