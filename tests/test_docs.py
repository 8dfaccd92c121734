"""The documents hang together: links lead somewhere, every page is on the index, the tree of CONTRIBUTING.md is the real one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import ROOT

from beam_distill.cli.command import NAMES
from beam_distill.deployment.targets import TARGETS
from beam_distill.version import VERSION
from transforms.acceptance.registry import CHECKS
from transforms.elements.tasks import TaskType
from transforms.intake.formats.registry import FORMATS, format_name
from transforms.students.registry import STUDENT_FORMATS
from transforms.teacher.kinds.registry import KINDS

UNCLEAR = re.compile(
    r"\b(anew|betimes|mends|mended|mending|untold|tellings?|lessons?|hearsay|storeys?|upstairs|nought|naught|lest|whence|hither|unto|whilst|"
    r"thereby|therein|thereof|whereby|whosoever|hinders|disturbs|dwells?|befalls?|beholds?|quarrels?|"
    r"in vain|at hand|to and fro|as it were|of no use|comes? about|came about|gives? way|heard of|knows of|goes by|lives in|"
    r"told apart|tells? apart|told from|taken away|takes away|pass(?:es|ed) over (?:it|them|what|files|rows))\b",
    re.IGNORECASE,
)
"""Old or literary English that engineers who learned it as a foreign language stumble on, and no technical term among it."""

PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md"), *(ROOT / "tests").glob("*.md")],
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def without_code(text: str) -> str:
    return re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^```.*?^```", "", text))


def links_of(page: Path) -> Iterator[str]:
    for target in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if not target.startswith(("http://", "https://")):
            yield target


def anchors_of(page: Path) -> set[str]:
    """As GitHub makes them: lower case, no punctuation, hyphens for spaces."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    titles = re.findall(r"(?m)^#+ +(.+)$", text)
    return {re.sub(r"[^\w\- ]", "", LINK.sub("", title).lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for target in links_of(page):
        path, _, anchor = target.partition("#")
        leads_to = (page.parent / path).resolve() if path else page
        assert leads_to.exists(), target
        assert leads_to.is_relative_to(ROOT), f"{target} leads out of the repository"
        if anchor:
            assert anchor in anchors_of(leads_to), target


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title: `code` and more\n[there](#a-title-code-and-more) `[no](link)` [away](https://x.example)\n```\n[no](link)\n```\n")
    assert list(links_of(page)) == ["#a-title-code-and-more"]
    assert anchors_of(page) == {"a-title-code-and-more"}


def test_every_page_is_on_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    decisions = ROOT / "docs" / "decisions" / "README.md"
    listed = {(page.parent / target.partition("#")[0]).resolve() for page in (index, decisions) for target in links_of(page)}
    assert [page.relative_to(ROOT) for page in (ROOT / "docs").rglob("*.md") if page not in listed and page != index] == []


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_decisions_have_one_form_and_a_line_in_their_index(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    head = re.match(r"# (\d+)\. (.+)\n\nStatus: ((?:accepted|replaced by \d+), \d{4}-\d\d-\d\d)\n\n## Context\n", text)
    assert head, text[:200]
    number, title, status = head.groups()
    assert int(number) == int(page.stem[:4])
    sections = re.findall(r"(?m)^## (.+)$", text)
    assert sections in (["Context", "Choice", "Price"], ["Context", "Choice", "Price", "Considered"])
    index = (page.parent / "README.md").read_text(encoding="utf-8")
    assert f"| {number} | [{title}]({page.name}) | {status} |" in index


def tree_of(package: str) -> set[str]:
    """The entries that CONTRIBUTING.md lists below a package, as it spells them: ``name.py`` or ``name/``."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = re.search(rf"(?m)^{package}/ .*\n((?:  \S.*\n)+)", text)
    assert block, f"no tree of {package}"
    entries = [line.split()[0] for line in block[1].splitlines()]
    assert len({*entries}) == len(entries)
    assert all(len(line.split()) > 2 for line in block[1].splitlines()), "every entry says what it is for"
    return {*entries}


@pytest.mark.parametrize("package", ["transforms", "beam_distill"])
def test_the_tree_is_that_of_the_package(package: str) -> None:
    entries = [path for path in (ROOT / package).iterdir() if path.name not in ("__init__.py", "__pycache__", "py.typed")]
    assert {f"{path.name}/" if path.is_dir() else path.name for path in entries} == tree_of(package)


DESCRIBED = {
    "docs/guides/tasks.md": [*TaskType.__members__],
    "docs/reference/datasets.md": [*TaskType.__members__, *(f"`{name}`" for name in STUDENT_FORMATS)],
    "docs/reference/azure.md": [f"`{kind.value}`" for kind in KINDS],
    "docs/quality.md": [f"`{name}`" for name in CHECKS],
    "docs/reference/launching.md": [f"`{name}`" for name in TARGETS],
}
"""What a reader looks for on a page: each member of the registries that it describes."""


@pytest.mark.parametrize(("page", "member"), [(page, member) for page, members in DESCRIBED.items() for member in members])
def test_a_page_describes_every_member_of_its_registry(page: str, member: str) -> None:
    assert re.search(rf"(?m)^\| .*{member}", (ROOT / page).read_text(encoding="utf-8")), f"{page} has no row with {member} in a table"


def test_the_page_of_input_files_has_a_suffix_of_every_format() -> None:
    page = (ROOT / "docs" / "reference" / "input_files.md").read_text(encoding="utf-8")
    assert {format_name(f"rows{suffix}", None) for suffix in re.findall(r"`(\.\w+)`", page)} == {*FORMATS}, "add a row to its first table"


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_shown_on_some_page(name: str) -> None:
    assert any(f"beam-distill {name}" in page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md"), (
        "add it to the guide that covers it"
    )


def test_every_make_target_is_explained() -> None:
    targets = re.findall(r"(?m)^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"))
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [target for target in targets if target not in ("help", "clean") and f"`make {target}`" not in text] == []


def test_the_changelog_has_the_usual_sections_and_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"(?m)^## \[([^\]]+)\](?: - \d{4}-\d\d-\d\d)?$", text)
    assert len(versions) == len(re.findall(r"(?m)^## ", text))
    assert versions[0] == "Unreleased"
    assert VERSION in versions
    assert {*re.findall(r"(?m)^### (.+)$", text)} <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def own_terms() -> dict[str, tuple[str, str]]:
    section = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").split("## Our own terms")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")]
    return {word: (meaning, code.strip("`")) for word, meaning, code in rows if word != "word"}


def test_the_glossary_has_one_sentence_for_each_term() -> None:
    words = own_terms()
    assert 20 <= len(words) <= 25
    assert [word for word, (meaning, _) in words.items() if ". " in meaning or meaning.endswith(".")] == []


@pytest.mark.parametrize("word", own_terms())
def test_a_term_of_the_glossary_is_one_thing_in_the_code(word: str) -> None:
    name = own_terms()[word][1].partition(".")[0]
    sources = [path.read_text(encoding="utf-8") for package in ("transforms", "beam_distill") for path in (ROOT / package).rglob("*.py")]
    if name[0].isupper():
        assert sum(len(re.findall(rf"(?m)^class {name}\b", source)) for source in sources) == 1
    else:
        assert any(re.search(rf"\b{name}\b", source) for source in sources)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in ("CHANGELOG.md", "faults.md")], ids=lambda page: page.stem)
def test_files_that_are_named_are_there(page: Path) -> None:
    named = re.findall(r"`(?!\S*NAME)((?:[\w-]+/)+[\w-]*(?:\.py)?)`", page.read_text(encoding="utf-8"))
    roots = [ROOT, *(ROOT / name for name in ("transforms", "beam_distill", "transforms/teacher", "tests"))]
    ours = [
        name
        for name in named
        if name.endswith(".py") or name.split("/")[0] in ("transforms", "beam_distill", "tests", "benchmarks", "docs", "tools")
    ]
    assert [name for name in ours if not any((root / name).exists() for root in roots)] == []


def plain_words(path: Path) -> str:
    """The text of a file with identifiers as words."""
    return path.read_text(encoding="utf-8").replace("_", " ")


@pytest.mark.parametrize("folder", ["transforms", "beam_distill", "benchmarks", "examples", "tools", "docs"])
def test_code_and_documents_are_in_plain_english(folder: str) -> None:
    files = [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md", ".j2")]
    found = {str(path.relative_to(ROOT)): UNCLEAR.findall(plain_words(path)) for path in files}
    assert {path: words for path, words in found.items() if words} == {}


def test_names_of_tests_are_in_plain_english() -> None:
    names = [name for path in (ROOT / "tests").rglob("*.py") for name in re.findall(r"(?m)^def test_(\w+)", path.read_text(encoding="utf-8"))]
    assert [name for name in names if UNCLEAR.search(name.replace("_", " "))] == []
