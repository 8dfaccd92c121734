"""What a run is doing, for the person who waits for it.

tracker              rates, time left and cost made of the totals of several moments
engine, heartbeats, runner_metrics
                     where totals come from: the engine in this process, what scoring processes elsewhere report, a cluster's metrics
choose               which of these a run needs
row_totals           how many rows there will be
terminal, notebook, plain, displays, words
                     ways of showing, and which suits the place
watch                the thread that does all this while the pipeline runs
"""
