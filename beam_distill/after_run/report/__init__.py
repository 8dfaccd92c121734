"""report.html: a run's report for the user, in one self-contained file.

run_files     facts from run.json, started.json, the timeline and rejects.jsonl
ledger_facts  facts from the ledger, in one pass and bounded memory
same_requests rows that asked the same as others
counting      the bounded counts of that pass
charts        charts as SVG
page, report.html.j2
              the facts as text, and their layout
write         makes the whole report
"""
