"""Fetch and build everything the cluster tests need; a second call does nothing."""

from __future__ import annotations

import sys

from clusters.distributions import azurite_blob, flink_home, spark_home
from clusters.go_programs import boot, prism
from clusters.job_servers import FLINK_JOB_SERVER, SPARK_JOB_SERVER
from made_once import ToolMissing


def main() -> int:
    """0 when everything is there."""
    try:
        for path in (FLINK_JOB_SERVER.jar(), SPARK_JOB_SERVER.jar(), flink_home(), spark_home(), prism(), boot(), azurite_blob()):
            print(f"clusters: {path}", flush=True)
    except ToolMissing as missing:
        print(f"clusters: {missing}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
