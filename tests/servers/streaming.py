"""The same rows asked twice, token by token and in one piece, and what the ledger has of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastavro
from servers.commands import Ended, job_of, recorded, run

OF_THE_MOMENT = frozenset({"id", "created", "timings", "system_fingerprint", "request_id"})


def asked_both_ways(folder: Path, url: str, task: str, lines: list[str | bytes], *flags: str, **options: Any) -> tuple[Ended, Ended]:
    """How the two ended, the streamed one first: every answer of it came token by token."""
    streamed = run(job_of(folder / "on", url, task, lines), *flags, "--stream=on", **options)
    whole = run(job_of(folder / "off", url, task, lines), *flags, "--stream=off", **options)
    assert streamed.metrics["answers_streamed"] == len(lines), recorded(streamed)
    assert "streamed  " in streamed.output, recorded(streamed)
    assert "answers_streamed" not in whole.metrics, recorded(whole)
    return streamed, whole


def responses(ended: Ended) -> dict[int, dict[str, Any]]:
    """The recorded responses by line, without what another moment changes: that the prompt is in a cache by then, for one."""
    found = {}
    for segment in (ended.job.work_dir / "ledger").rglob("*.avro"):
        with segment.open("rb") as file:
            for record in fastavro.reader(file):
                fields = json.loads(record["response"])
                fields["usage"].pop("prompt_tokens_details", None)
                found[record["line"]] = {name: value for name, value in fields.items() if name not in OF_THE_MOMENT}
    return found
