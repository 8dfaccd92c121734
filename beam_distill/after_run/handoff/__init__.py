"""Files for the training that follows, and a dataset card: written into a folder next to the training dataset."""
