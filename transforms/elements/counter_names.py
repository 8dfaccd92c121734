"""Prefixes of the counters that are about one endpoint, or one field of a request."""

LEFT_OUT = "left_out_"
"""Prefix of: in how many scoring processes the teacher refused a field of the request."""
ANSWERS_BY = "answers_by_"
"""Prefix of: answers by endpoint, if there are several."""
REFUSED_BY = "refused_by_"
"""Prefix of: in how many scoring processes an endpoint was taken out; then the reason, then its name."""
