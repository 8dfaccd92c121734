"""Workers without this package get it with the job."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

from builders import questions, write_rows
from clusters.cluster_jobs import ClusterJob
from clusters.go_programs import boot
from clusters.job_servers import FLINK_JOB_SERVER

from beam_distill.simulator.server import start_simulator


def test_the_sdist_reaches_workers_that_have_only_the_dependencies(tmp_path: Path) -> None:
    python = tmp_path / "worker-python"
    subprocess.run([sys.executable, "-m", "venv", str(python)], check=True)
    # the dependencies come from this Python; the package, which is linked into it as a project, does not
    (site,) = python.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    without = subprocess.run([python / "bin" / "python", "-c", "import transforms"], cwd=tmp_path, capture_output=True, text=True)
    assert "No module named 'transforms'" in without.stderr
    config = {"command": str(boot()), "env": {"PATH": f"{python}/bin:/usr/bin:/bin", "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT": "1"}}
    with start_simulator() as simulator:
        train = write_rows(tmp_path / "train.jsonl", questions(20))
        job = ClusterJob(tmp_path / "job", simulator.base_url, "MATH", train)
        ended = job.run(
            "--runner=flink",
            f"--job_server_jar={FLINK_JOB_SERVER.jar()}",
            "--worker_package=sdist",
            "--environment_type=PROCESS",
            f"--environment_config={json.dumps(config)}",
            f"--shared_directories={tmp_path}",
        )
        assert ended.code == 0, ended.output
        assert simulator.stats()["answered"] == 20
    installed = subprocess.run(
        [python / "bin" / "python", "-c", "import transforms; print(transforms.__file__)"], cwd=tmp_path, capture_output=True, text=True
    )
    assert str(site) in installed.stdout, installed.stderr
