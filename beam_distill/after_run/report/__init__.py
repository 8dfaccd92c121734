"""report.html: how a run went, for a person, in one file that needs nothing else.

run_files     what run.json, started.json, the timeline and rejects.jsonl say
ledger_facts  what the ledger says, in one pass and in memory that does not follow its length
counting      the bounded counts that the pass fills
charts        pictures, as SVG
page, report.html.j2
              the facts in words, and their layout
write         all of it put together
"""
