"""What a run is doing, for the person who waits for it.

reading, tracker     totals of one moment; rates, time left and cost made of several
engine, ledger_tail, runner_metrics, heartbeats
                     where readings come from: the engine in this process, the ledger's newest blocks, a cluster's metrics,
                     what scoring processes elsewhere report
row_totals           how many rows there will be
terminal, plain      ways of showing
timeline             readings kept for the report
watch                the thread that does all this while the pipeline runs
"""
