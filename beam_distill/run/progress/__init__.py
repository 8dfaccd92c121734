"""The progress of a run, for the user.

tracker              rates, time left and cost from the totals of several moments
engine, heartbeats, runner_metrics
                     sources of totals: the engine in this process, reports of other scoring processes, a cluster's metrics
choose               which source a run needs
row_totals, surveyed_totals
                     the total number of rows: counted beside the job, or by the job's survey
terminal, notebook, plain, displays, words
                     displays, and the choice between them
watch                the thread that does all this while the pipeline runs
"""
