"""Azure on the worker: tokens through azure-identity, keys and endpoints through the resource manager. Plain Python."""
