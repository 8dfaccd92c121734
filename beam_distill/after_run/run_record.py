"""run.json: a run's settings, counts and result."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

from beam_distill.after_run.endpoints_used import answers_by_endpoint, refused_by_endpoint
from beam_distill.after_run.left_out import left_out
from beam_distill.after_run.result import RunResult
from beam_distill.config.sources import ResolvedSettings
from beam_distill.version import VERSION
from beam_distill.work_dir.files import write_text
from transforms.elements.verdict_json import verdict_fields
from transforms.files.paths import working_directory


def write_started(resolved: ResolvedSettings, run_id: str, work_dir: str, started: datetime, endpoint: dict[str, Any]) -> None:
    """Write started.json: a run's settings, for readers during the run or after it was killed.

    A write error is ignored here; the first answer will show it.
    """
    with suppress(Exception):
        write_text(f"{work_dir}/started.json", json.dumps(_given(resolved, run_id, started, endpoint), indent=2, default=str) + "\n")


def write_run_json(resolved: ResolvedSettings, result: RunResult, started: datetime, endpoint: dict[str, Any]) -> str:
    """Write run.json into the work_dir, atomically. Returns its path."""
    fields = {
        **_given(resolved, result.run_id, started, endpoint),
        "wall_s": round(result.wall_s, 3),
        "exit_code": int(result.exit_code),
        "outcome": result.exit_code.name.lower(),
        "message": result.message,
        "verdict": None if result.verdict is None else verdict_fields(result.verdict),
        "datasets": result.datasets,
        "rejects": result.rejects_path,
        "handoff": result.handoff_path,
        "metrics": result.metrics,
        "left_out": left_out(result.metrics),
        "answers_by_endpoint": answers_by_endpoint(result.metrics),
        "endpoints_taken_out": {name: kind.value for name, kind in refused_by_endpoint(result.metrics).items()},
        "answers_repeated": result.repeated,
        "requests_open_when_lost": result.open_when_lost,
        "processes_lost": result.processes_lost,
        "warnings": list(result.warnings),
        "limits": list(result.limits),
        "failures": [asdict(failure) for failure in result.failures],
    }
    path = f"{result.work_dir}/run.json"
    write_text(path, json.dumps(fields, indent=2, default=str) + "\n")
    return path


def _given(resolved: ResolvedSettings, run_id: str, started: datetime, endpoint: dict[str, Any]) -> dict[str, Any]:
    return {
        "beam_distill": VERSION,
        "run_id": run_id,
        "started": started.isoformat(),
        "working_directory": working_directory(),
        "endpoint": endpoint,
        "settings": resolved.settings.public_view(),
        "origins": resolved.origins,
    }
