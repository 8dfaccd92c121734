"""Everything before paying: checks, the survey of the input, what is still to be sent, estimates, the pilot."""
