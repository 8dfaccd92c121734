"""What the workers run.

Files directly in this package are Beam: each declares one stage (and ``counters`` the metrics). Folders inside it are plain
Python and never import Beam, so they are tested without a pipeline:

    read_rows > format_prompts > drop_answered > batch_by_size > score_with_teacher > parse_replies
              > judge_success > write_dataset, write_verdict

    elements   the frozen values that flow          prompts   task wording, and the way back from reply to answer
    intake     lines of JSONL to rows with a key    teacher   the scoring engine: wire, client, retries, limiter, session
    ledger     paid answers on disk, and their index

The Beam modules leave out ``from __future__ import annotations``: with it, Beam reads every inferred type hint as Any.
"""
