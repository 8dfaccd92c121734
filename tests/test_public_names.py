"""The public names: ``__all__`` of both packages is true, and docs/guides/python.md has exactly these."""

import importlib
import re
import subprocess
import sys

import pytest
from builders import ROOT

PUBLIC = {
    "beam_distill": {"ExitCode", "ProgressView", "RunRefused", "RunResult", "SettingsError", "distill"},
    "transforms": {
        *("DistillRows", "TrainingRow", "RowOrigin", "Split", "ChatMessage", "ParsedRows", "RowOutcome", "DistilledExample", "RejectedRow"),
        *(
            "AcceptanceSpec",
            "PromptSpec",
            "TaskType",
            "AnswerRules",
            "ScoringSpec",
            "EndpointSpec",
            "EndpointKind",
            "CredentialRef",
            "CredentialKind",
        ),
        *("PoolMember", "SamplingSpec", "ConcurrencySpec", "PatienceSpec", "StreamSpec", "chat_completions_url", "close_sessions"),
    },
}
"""A removed name breaks users' programs, so it belongs in the changelog too."""
PAGE = (ROOT / "docs" / "guides" / "python.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", PUBLIC)
def test_the_list_is_the_packages(package: str) -> None:
    assert set(importlib.import_module(package).__all__) == PUBLIC[package]


@pytest.mark.parametrize(("package", "name"), [(package, name) for package, names in PUBLIC.items() for name in sorted(names)])
def test_a_public_name_is_there_and_says_what_it_is(package: str, name: str) -> None:
    found = getattr(importlib.import_module(package), name)
    assert found.__name__ == name
    assert found.__doc__


@pytest.mark.parametrize("package", PUBLIC)
def test_an_unknown_public_name_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"'{package}' has no attribute 'distil'"):
        importlib.import_module(package).distil  # noqa: B018


def test_the_page_has_each_of_them() -> None:
    tables = PAGE.split("## In your own Beam pipeline")
    for package, text in zip(PUBLIC, tables, strict=True):
        assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == PUBLIC[package]


@pytest.mark.parametrize("package", PUBLIC)
def test_importing_a_package_does_not_load_beam(package: str) -> None:
    code = f"import sys, {package}; sys.exit('apache_beam' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
