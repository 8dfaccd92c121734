"""The page of differences from the original component is complete and is found."""

import re

import pytest
from builders import ROOT

from beam_distill.config.component import COMPONENT_INPUTS

PAGE = ROOT / "docs" / "reference" / "differences.md"


@pytest.mark.fault("G21")
@pytest.mark.parametrize("page", ["README.md", "docs/reference/azure.md", "docs/reference/azureml_jobs.md", "docs/reference/launching.md"])
def test_azure_users_find_the_page(page: str) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8"))
    assert PAGE in [(path.parent / link).resolve() for link in links if "://" not in link]


@pytest.mark.fault("G21")
def test_the_page_names_only_what_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)", text):
        assert (PAGE.parent / link).exists(), link
    rows = [row for row in text.splitlines() if row.startswith("| ") and not row.startswith("| input") and not row.startswith("| subject")]
    assert len(rows) > 40
    assert all(row.count("|") == 5 for row in rows)
    named = set(re.findall(r"`([a-z_]+)`", text)) & {*COMPONENT_INPUTS}
    assert {"teacher_model_max_new_tokens", "max_retry_time_interval", "min_endpoint_success_ratio", "authentication_type"} <= named


@pytest.mark.fault("G21")
def test_the_graphs_departures_have_their_page() -> None:
    page = (ROOT / "docs" / "decisions" / "0016-where-the-graph-departs-from-the-sketch.md").read_text(encoding="utf-8")
    for word in ("ReadFromText", "FnApiRunner", "One chain for both splits", "ledger", "DirectRunner"):
        assert word in page
