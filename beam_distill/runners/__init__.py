"""One file per runner: from settings to Beam's options, what must hold before submission, and how to cancel.

registry, base       which plan a runner's name stands for, and the value that all plans return
environment, package where the scoring processes run, and how this package gets there
refusals             what cannot work on a cluster, reported before anything is submitted
flink_rest           Flink's REST interface: upload a jar, run it, watch it, cancel it
job_state            how a job is that was submitted, as its runner reports it
"""
