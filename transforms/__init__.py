"""What the workers run.

Files directly in this package are Beam: each declares one stage, ``counters`` the metrics, and ``distill_rows`` puts stages together. Folders
inside it are plain Python and never import Beam, so they are tested without a pipeline and used by commands that run none (``files.beam`` is
the exception, loaded by the first path that is on another machine):

    read_rows > format_prompts > drop_answered > batch_by_size > score_with_teacher > parse_replies
              > judge_success > write_dataset, write_verdict

    elements   the frozen values that flow          prompts   task wording, and the way back from reply to answer
    intake     files to rows with a key             students  examples to what a training takes
    teacher    the scoring engine                   ledger    paid answers on disk, and their index
    reuse      which reply answers which request    control   what the processes of a run say to each other
    files      paths and patterns, here and far     azure, web   tokens and keys; proxies and redaction

The Beam modules leave out ``from __future__ import annotations``: with it, Beam reads every inferred type hint as Any.
"""
