"""Reuse of the ledger's answers: which reply answers which request."""
