"""How the names of counters begin that say which endpoint, or which field of a request, they are about."""

LEFT_OUT = "left_out_"
"""Begins the names of the counters that say in how many scoring processes the teacher did not take a field of the request."""
ANSWERS_BY = "answers_by_"
"""Begins the names of the counters of answers by endpoint, where there are several."""
REFUSED_BY = "refused_by_"
"""Begins the names of the counters that say in how many scoring processes an endpoint was taken out; then why, then its name."""
