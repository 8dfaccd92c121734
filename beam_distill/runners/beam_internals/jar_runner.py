"""Beam's portable runner before a job service that only packs: what Beam's Flink and Spark runners submit as an uber jar, kept as a file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.portability import abstract_job_service, portable_runner


class JarRunner(portable_runner.PortableRunner):
    """Makes a jar of the pipeline as ``jar``, around ``runner_jar``; ``passed_on`` are options that Beam's Python side drops. The cluster
    runs it."""

    def __init__(self, runner_jar: str, jar: Path, passed_on: Mapping[str, str]) -> None:
        super().__init__()
        self._service = _PackingService(runner_jar, jar, passed_on)

    def default_job_server(self, options: PipelineOptions) -> Any:
        return self._service

    def create_job_service_handle(self, job_service: Any, options: PipelineOptions) -> Any:
        # the service knows no options of its own; those of the runner inside the jar must not be dropped for that
        return portable_runner.JobServiceHandle(job_service, options, retain_unknown_options=True)


class _PackingService(abstract_job_service.AbstractJobServiceServicer):
    def __init__(self, runner_jar: str, jar: Path, passed_on: Mapping[str, str]) -> None:
        super().__init__()
        self._passed_on = passed_on
        self._runner_jar = runner_jar
        self._target = jar

    def start(self) -> Any:
        return self

    def stop(self) -> None:
        pass

    def create_beam_job(self, job_id: str, job_name: str, pipeline: Any, options: Any) -> Any:
        for name, value in self._passed_on.items():
            options[name] = value
        return _PackedJob(self._runner_jar, self._target, job_id, job_name, pipeline, options)


class _PackedJob(abstract_job_service.UberJarBeamJob):
    def __init__(self, runner_jar: str, target: Path, job_id: str, job_name: str, pipeline: Any, options: Any) -> None:
        super().__init__(runner_jar, job_id, job_name, pipeline, options)
        self._target = target

    def run(self) -> None:
        self._stop_artifact_service()
        shutil.move(self._jar, self._target)
        self.set_state(beam_job_api_pb2.JobState.DONE)

    def cancel(self) -> None:
        pass

    def get_state_stream(self) -> Any:
        return iter(self._state_history)

    def get_message_stream(self) -> Any:
        return iter(self._state_history)
