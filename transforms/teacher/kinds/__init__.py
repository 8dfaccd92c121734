"""What differs between kinds of endpoints: one kind a file, ``registry`` tells which one an address is."""
