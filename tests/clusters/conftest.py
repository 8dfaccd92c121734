"""The cluster tests: collected only by ``make test-clusters``, because they start clusters. Each cluster starts once, at its first use."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from clusters.azurite import Azurite
from clusters.flink_cluster import FlinkCluster
from clusters.job_servers import FLINK_JOB_SERVER, SPARK_JOB_SERVER
from clusters.spark_cluster import SparkCluster
from clusters.standing_job_server import StandingJobServer

collect_ignore_glob = [] if os.environ.get("CLUSTER_TESTS") else ["*"]


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    with Azurite(tmp_path_factory.mktemp("azurite")) as running:
        yield running


@pytest.fixture(scope="session")
def flink(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """One JobManager, two TaskManagers of two slots; its workers have access to Azurite's blobs."""
    with FlinkCluster(tmp_path_factory.mktemp("flink"), task_managers=2, slots=2, environ=azurite.environ) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def flink_endpoint(flink: FlinkCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with StandingJobServer(tmp_path_factory.mktemp("flink-job-server"), FLINK_JOB_SERVER, flink.master) as server:
        yield server.endpoint


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkCluster]:
    """A master, two workers of one core."""
    with SparkCluster(tmp_path_factory.mktemp("spark")) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def spark_endpoint(spark: SparkCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with StandingJobServer(tmp_path_factory.mktemp("spark-job-server"), SPARK_JOB_SERVER, spark.master) as server:
        yield server.endpoint


@pytest.fixture(scope="session")
def blobs(azurite: Azurite) -> Any:
    """A container of blobs, named ``jobs``."""
    from azure.storage.blob import BlobServiceClient

    return BlobServiceClient.from_connection_string(azurite.connection_string).create_container("jobs")
