"""One file per runner: from settings to Beam's options, what must hold before submission, and how to cancel.

plan          the value they all return, and the choice among them
direct, flink, spark, prism, portable
environment   where the scoring processes run and how the package gets there
refusals      what cannot work on a cluster, said before anything is submitted
flink_rest    Flink's REST interface: upload a jar, run it, watch it, cancel it
detached      jobs that outlive the command that submitted them
"""
