"""Ready files for the training that follows, and a dataset card: written into a folder beside the training dataset."""
