"""The job on Prism, which the command starts itself."""

from pathlib import Path

import pytest
from clusters.cases import same_bytes_as_embedded
from clusters.cluster_jobs import TASKS
from clusters.go_programs import prism


@pytest.mark.parametrize("task", TASKS)
def test_same_ledger_same_bytes(tmp_path: Path, task: str) -> None:
    same_bytes_as_embedded("prism", task, tmp_path, ["--runner=prism", f"--prism_location={prism()}"])
