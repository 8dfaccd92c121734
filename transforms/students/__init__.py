"""How a finished example is written for the training of a student: one strategy per format."""
