"""run.json: what a run was told, what it did, how it ended."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from beam_distill.config.sources import ResolvedSettings
from beam_distill.exit_codes import ExitCode
from beam_distill.progress.tracker import Prices
from beam_distill.version import VERSION
from transforms.elements.tally import Verdict
from transforms.write_verdict import verdict_fields


@dataclass(frozen=True)
class RunResult:
    """How a run ended. ``datasets`` and the other paths are set when the file is there."""

    exit_code: ExitCode
    message: str
    run_id: str
    work_dir: str
    verdict: Verdict | None = None
    datasets: dict[str, str] = field(default_factory=dict)
    rejects_path: str | None = None
    run_json_path: str | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    wall_s: float = 0.0
    prices: Prices | None = None
    report_path: str | None = None

    @property
    def ok(self) -> bool:
        """Whether every dataset asked for is published."""
        return self.exit_code is ExitCode.PUBLISHED


def write_run_json(resolved: ResolvedSettings, result: RunResult, started: datetime, endpoint: dict[str, Any]) -> str:
    """Write run.json into the work_dir, whole or not at all; its path."""
    settings = resolved.settings
    fields = {
        "beam_distill": VERSION,
        "run_id": result.run_id,
        "started": started.isoformat(),
        "wall_s": round(result.wall_s, 3),
        "exit_code": int(result.exit_code),
        "outcome": result.exit_code.name.lower(),
        "message": result.message,
        "endpoint": endpoint,
        "settings": settings.public_view(),
        "origins": resolved.origins,
        "verdict": None if result.verdict is None else verdict_fields(result.verdict),
        "datasets": result.datasets,
        "rejects": result.rejects_path,
        "metrics": result.metrics,
    }
    path = Path(result.work_dir) / "run.json"
    temporary = path.with_suffix(".json.partial")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(fields, file, indent=2, default=str)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    return str(path)
