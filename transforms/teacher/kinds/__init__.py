"""What differs between kinds of endpoints: one kind a file, ``registry`` finds which one an address is."""
