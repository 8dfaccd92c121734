"""The embedded teacher: an OpenAI-compatible server for demos, tests and benchmarks.

It imports none of our other code, so a prompt is never checked against itself.
"""
