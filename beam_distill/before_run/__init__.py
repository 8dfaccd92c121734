"""Everything before the first paid request: checks, the survey of the input, the rows to send, estimates, the pilot."""
