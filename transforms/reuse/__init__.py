"""Answers on the ledger that need not be paid for again: which reply answers which request."""
