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
    """Nobody answers there, or something that is not a JobManager does."""


class FlinkRest:
    """One JobManager. ``master`` is ``host:port`` or an http address."""

    def __init__(self, master: str) -> None:
        self.url = (master if "://" in master else f"http://{master}").rstrip("/")

    def version(self) -> str:
        """Major and minor version of the cluster, as Beam names its job servers: ``1.19``."""
        return ".".join(str(self._get("/config")["flink-version"]).split(".")[:2])

    def slots(self) -> int:
        """Task slots that the cluster has now, free or not."""
        return int(self._get("/overview")["slots-total"])

    def upload(self, jar: Path) -> str:
        """Store the jar on the JobManager; the id to run it by."""
        with open(jar, "rb") as file:
            answer = self._call("POST", "/jars/upload", UPLOAD_PATIENCE_S, files={"jarfile": (jar.name, file, "application/java-archive")})
        return str(answer["filename"]).rpartition("/")[2]

    def run(self, jar_id: str, parallelism: int, entry_class: str | None = None) -> str:
        """Start an uploaded jar, by its own main class when no other is named; the job's id."""
        wanted = {"parallelism": parallelism} | ({} if entry_class is None else {"entryClass": entry_class})
        return str(self._call("POST", f"/jars/{jar_id}/run", UPLOAD_PATIENCE_S, json=wanted)["jobid"])

    def state(self, job_id: str) -> str | None:
        """The job's state in Flink's words, None when the JobManager does not know it."""
        try:
            return str(self._get(f"/jobs/{job_id}")["state"])
        except FlinkUnreachable as error:
            if "404" in str(error):
                return None
            raise

    def wait(self, job_id: str, every_s: float = 1.0) -> str | None:
        """Wait for the job's end; its last state. A JobManager that does not answer for a while is waited for."""
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
        """The job's metrics as Beam's runner keeps them, JSON; None when there are none. They come when a stage ends."""
        for kept in self._get(f"/jobs/{job_id}/accumulators").get("user-task-accumulators", ()):
            if kept["name"] == _BEAM_METRICS:
                return str(kept["value"])
        return None

    def cancel(self, job_id: str) -> None:
        """Ask for the job's end."""
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
    """What the operating system said: requests wraps it in words about its own pools and retries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {error}"
