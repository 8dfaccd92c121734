"""Flink's REST interface (flink.apache.org, "REST API"): upload a jar, run it, watch the job, cancel it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import requests

PATIENCE_S = 30.0
UPLOAD_PATIENCE_S = 600.0
_BEAM_METRICS = "__metricscontainers"
ENDED = frozenset({"FINISHED", "FAILED", "CANCELED", "SUSPENDED"})


class FlinkUnreachable(Exception):
    """There is no answer, or not from a JobManager."""


class FlinkRest:
    """One JobManager. ``master`` is ``host:port`` or an http address."""

    def __init__(self, master: str) -> None:
        self.url = (master if "://" in master else f"http://{master}").rstrip("/")

    def version(self) -> str:
        """Major and minor version of the cluster, as Beam names its job servers: ``1.19``."""
        return ".".join(str(self._get("/config")["flink-version"]).split(".")[:2])

    def slots(self) -> int:
        """The cluster's current task slots, free or not."""
        return int(self._get("/overview")["slots-total"])

    def upload(self, jar: Path) -> str:
        """Store the jar on the JobManager. Returns its id."""
        with open(jar, "rb") as file:
            answer = self._call("POST", "/jars/upload", UPLOAD_PATIENCE_S, files={"jarfile": (jar.name, file, "application/java-archive")})
        return str(answer["filename"]).rpartition("/")[2]

    def run(self, jar_id: str, parallelism: int, entry_class: str | None = None) -> str:
        """Start an uploaded jar, by default with its own main class. Returns the job's id."""
        wanted = {"parallelism": parallelism} | ({} if entry_class is None else {"entryClass": entry_class})
        return str(self._call("POST", f"/jars/{jar_id}/run", UPLOAD_PATIENCE_S, json=wanted)["jobid"])

    def state(self, job_id: str) -> str | None:
        """Flink's name of the job's state, None if the JobManager does not know the job."""
        try:
            return str(self._get(f"/jobs/{job_id}")["state"])
        except FlinkUnreachable as error:
            if "404" in str(error):
                return None
            raise

    def wait(self, job_id: str, every_s: float = 1.0) -> str | None:
        """Wait for the job's end. Returns its last state. Tolerates a JobManager that does not answer for a while."""
        silent_since = None
        while True:
            try:
                state = self.state(job_id)
            except FlinkUnreachable:
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > 10 * PATIENCE_S:
                    raise
            else:
                silent_since = None
                if state is None or state in ENDED:
                    return state
            time.sleep(every_s)

    def failure(self, job_id: str) -> str:
        """The cause of a failed job, as Flink reports it."""
        try:
            return str(self._get(f"/jobs/{job_id}/exceptions").get("root-exception") or "").strip()
        except FlinkUnreachable as error:
            return str(error)

    def beam_metrics(self, job_id: str) -> str | None:
        """The job's metrics as JSON, as Beam's runner keeps them; None without any. They appear when a stage ends."""
        for kept in self._get(f"/jobs/{job_id}/accumulators").get("user-task-accumulators", ()):
            if kept["name"] == _BEAM_METRICS:
                return str(kept["value"])
        return None

    def cancel(self, job_id: str) -> None:
        """Cancel the job."""
        self._call("PATCH", f"/jobs/{job_id}?mode=cancel", PATIENCE_S)

    def _get(self, path: str) -> dict[str, Any]:
        return self._call("GET", path, PATIENCE_S)

    def _call(self, method: str, path: str, timeout_s: float, **content: Any) -> dict[str, Any]:
        try:
            answer = requests.request(method, self.url + path, timeout=timeout_s, **content)
        except requests.RequestException as error:
            raise FlinkUnreachable(_cause(error)) from None
        if answer.status_code >= 400:
            raise FlinkUnreachable(f"{method} {path}: status {answer.status_code}: {answer.text[:2000]}")
        try:
            fields: dict[str, Any] = answer.json()
        except ValueError:
            raise FlinkUnreachable(f"{method} {path}: the answer is not JSON: {answer.text[:200]}") from None
        return fields


def _cause(error: BaseException) -> str:
    """The operating system's error, which requests wraps in text about its pools and retries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"
