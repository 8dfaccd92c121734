"""The same rows sent twice, streamed and in one piece, and the ledger records of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastavro
from servers.commands import Ended, job_of, recorded, run

OF_THE_MOMENT = frozenset({"id", "created", "timings", "system_fingerprint", "request_id"})


def asked_both_ways(folder: Path, url: str, task: str, lines: list[str | bytes], *flags: str, **options: Any) -> tuple[Ended, Ended]:
    """The ends of both, the streamed one first, in which every answer was streamed."""
    streamed = run(job_of(folder / "on", url, task, lines), *flags, "--stream=on", **options)
    whole = run(job_of(folder / "off", url, task, lines), *flags, "--stream=off", **options)
    assert streamed.metrics["answers_streamed"] == len(lines), recorded(streamed)
    assert "streamed  " in streamed.output, recorded(streamed)
    assert "answers_streamed" not in whole.metrics, recorded(whole)
    return streamed, whole


def responses(ended: Ended) -> dict[int, dict[str, Any]]:
    """The recorded responses by line, without parts that depend on the time, such as cached prompts."""
    found = {}
    for segment in (ended.job.work_dir / "ledger").rglob("*.avro"):
        with segment.open("rb") as file:
            for record in fastavro.reader(file):
                fields = json.loads(record["response"])
                fields["usage"].pop("prompt_tokens_details", None)
                found[record["line"]] = {name: value for name, value in fields.items() if name not in OF_THE_MOMENT}
    return found
