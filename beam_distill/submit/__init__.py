"""Handing a job over to a cluster, and following it."""
