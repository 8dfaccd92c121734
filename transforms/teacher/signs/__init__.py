"""Signs that complete answers are not what was asked for: each is counted, and none rejects a row."""
