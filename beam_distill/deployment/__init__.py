"""Jobs on machines of others: files made from templates, portable jars, and following what was submitted.

``targets`` says what there is to render, ``values`` what can be set, ``job_facts`` what a job's settings mean for a target, ``render`` makes the
files. Nothing in these four imports Beam.
"""
