"""One file per runner: settings to Beam's options, checks before submission, and how to cancel.

registry, base       the plan of a runner's name, and the value that all plans return
environment, package where the scoring processes run, and how this package gets there
refusals             settings that cannot work on a cluster, reported before submission
flink_rest           Flink's REST interface: upload a jar, run it, watch it, cancel it
job_state            the state of a submitted job, from its runner
"""
