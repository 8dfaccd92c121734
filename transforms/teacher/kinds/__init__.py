"""The differences between kinds of endpoints: one file per kind, ``registry`` finds the kind of an address."""
