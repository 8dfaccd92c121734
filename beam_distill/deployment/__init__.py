"""Jobs as files for other machines, made from templates.

``targets`` has the targets, ``values`` their values, ``job_facts`` a job's settings in the form of a target, ``render`` makes the
files. None of these imports Beam.
"""
