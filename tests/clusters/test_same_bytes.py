"""Every task on every runner in four processes with 10 % faulty requests: the same bytes as from the embedded runner over the same ledger."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from clusters.cases import same_bytes_as_embedded
from clusters.cluster_jobs import TASKS, on_flink, on_spark
from clusters.go_programs import prism

FLAGS: dict[str, Callable[[pytest.FixtureRequest], list[str]]] = {
    "flink": lambda wanted: on_flink(wanted.getfixturevalue("flink").master, 4, 2, endpoint=wanted.getfixturevalue("flink_endpoint")),
    "spark": lambda wanted: on_spark(wanted.getfixturevalue("spark").master, 4, endpoint=wanted.getfixturevalue("spark_endpoint")),
    "prism": lambda wanted: ["--runner=prism", f"--prism_location={prism()}", "--max_concurrency_per_instance=4"],
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("runner", FLAGS)
def test_same_ledger_same_bytes(request: pytest.FixtureRequest, tmp_path: Path, runner: str, task: str) -> None:
    """Joined or in shards, so that every runner does both and every task is done in both ways; with CLUSTER_TESTS=all everything in both.

    Every task leaves out rows like others on one runner, and keeps them on two: finding them starts more stages, which takes time on Flink.
    """
    case = list(TASKS).index(task) + list(FLAGS).index(runner)
    in_shards = case % 2 == 1
    forms = [False, True] if os.environ.get("CLUSTER_TESTS") == "all" else [in_shards]
    same_bytes_as_embedded(runner, task, tmp_path, FLAGS[runner](request), forms, is_sieved=case % 3 == 0)
