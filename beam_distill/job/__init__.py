"""Settings to what the workers get: the specs of the stages, the endpoint, the assembly."""
