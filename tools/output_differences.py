"""Differences between the files of two runs, without those between any two runs."""

import difflib
import html
import json
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import fastavro

LEFT_OUT = re.compile(r"(^|/)(timeline|spending)/|/lock$|\.svg$|\.avro\.index$")
"""Files with nothing but times, process ids and places in other files; only their existence is compared."""
VOLATILE_FIELDS = {"run_id", "started", "wall_s", "latency_ms", "sent_at_ms", "answered_at_ms", "first_token_ms", "beam_distill"}
RUN_FILES = ("run.json", "started.json", "published.json")
ANSWER_FIELDS = {"payload", "response", "body", "reference_answer"}
"""Fields of records that are compared unchanged, even if they look like a time."""
VOLATILE = (
    (re.compile(r"\d{8}T\d{9}-[0-9a-f]{8}(-\d+-[0-9a-f]+|@[\w.-]+)?"), "RUN"),
    (re.compile(r"-\d+-[0-9a-f]{12}(?=\.avro(\.index)?$)"), "-WRITER"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?[\d.+:]*( UTC)?"), "TIME"),
    (re.compile(r"\b\d+:\d\d(:\d\d)?\b"), "DURATION"),
    (re.compile(r"(?<![\w.])[\d.,]+ (ms|s|min|h|minutes?|seconds?|hours?)\b"), "DURATION"),
    (re.compile(r"(?<=beam.distill )\d+\.\d+\.\d+"), "VERSION"),
    (re.compile(r"(?<=tokens/s )[\d.,]+ in, [\d.,]+ out|\d+ in flight of \d+ allowed"), "RATE"),
    (re.compile(r"\b[\d.,]+(?= (requests|rows|tokens|answers)(/s| a second| per second| a minute))"), "RATE"),
)
CARD_NAME = re.compile(r"((?:config_name|dataset_config): .*)-[0-9a-f]{12}$", re.MULTILINE)
"""A configuration of a dataset card. Its name changes whenever the dataset is written again."""


def settled(text: str) -> str:
    """The text without the parts that differ from run to run."""
    for pattern, name in VOLATILE:
        text = pattern.sub(name, text)
    return text


def differences(before: Path, after: Path) -> Iterator[str]:
    """Each difference between two folders, for a person: file, place, what was there before and after."""
    first, second = files_of(before), files_of(after)
    for name in sorted(first.keys() | second.keys()):
        if name not in first or name not in second:
            yield f"{name}: only {'after' if name not in first else 'before'}"
        elif name.endswith("export.jsonl"):
            rows_before, rows_after = (by_row(map(json.loads, files[name][0].read_bytes().splitlines())) for files in (first, second))
            yield from (f"{name}: {found}" for found in between_values(rows_before, rows_after, "record"))
        elif name.endswith(".avro"):
            yield from (f"{name}: {found}" for found in between_records(records_of(first[name]), records_of(second[name])))
        elif not LEFT_OUT.search(name):
            yield from (f"{name}: {found}" for found in between_files(first[name][0], second[name][0]))


def files_of(folder: Path) -> dict[str, list[Path]]:
    """All files by their names without run ids; the segments of one ledger are one entry."""
    named = defaultdict(list)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        named[settled(path.relative_to(folder).as_posix())].append(path)
    return named


def between_files(before: Path, after: Path) -> Iterator[str]:
    """Differences of two files. Most are compared as bytes; a run's own JSON, pages and printed lines without times."""
    first, second = before.read_bytes(), after.read_bytes()
    if first == second:
        return
    if before.name in RUN_FILES or before.suffix == ".ipynb":
        values = [json.loads(content) for content in (first, second)]
        if before.name == "published.json":
            values = [{path: size for path, (size, _changed_ns) in value.items()} for value in values]
        yield from between_values(*values)
        return
    if before.name == ".written.json":  # digests of files that are compared themselves
        yield from between_values(dict.fromkeys(json.loads(first)), dict.fromkeys(json.loads(second)))
        return
    if before.suffix == ".parquet":
        yield f"{len(first)} other bytes than the {len(second)} after"
        return
    texts = [part.decode("utf-8", "replace") for part in (first, second)]
    if before.suffix == ".html":
        texts = [settled(words_of(text)) for text in texts]
    elif before.parent.name == "commands":
        texts = [settled(text) for text in texts]
    elif before.parent.name.endswith(".handoff"):
        texts = [CARD_NAME.sub(r"\1-ROWS", text) for text in texts]
    elif texts[0] == texts[1]:
        yield "other bytes that read the same"
    lines_before, lines_after = (text.splitlines(keepends=True) for text in texts)
    changes = difflib.SequenceMatcher(None, lines_before, lines_after, autojunk=False).get_opcodes()
    for change, first_line, end, first_after, end_after in changes:
        old, new = lines_before[first_line:end], lines_after[first_after:end_after]
        if change != "equal" and len(old) == len(new):
            for number, pair in enumerate(zip(old, new, strict=True), first_line + 1):
                yield f"line {number}: {', '.join(from_the_difference(*pair))}"
        elif change != "equal":
            yield f"line {first_line + 1}: {len(old)} lines before, {len(new)} after"
            yield from (f"  before {shortened(repr(line))}" for line in old)
            yield from (f"  after  {shortened(repr(line))}" for line in new)


def words_of(page: str) -> str:
    """The words of an HTML page, without its pictures and the heading of the pace, which a short run does not have."""
    page = re.sub(r"<(svg|style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    lines = (html.unescape(part).strip() for part in re.sub(r"<[^>]+>", "\n", page).splitlines())
    return "\n".join(line for line in lines if line and line != "Pace" and not line.startswith("Answers a second in steps"))


def between_values(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Differences of two JSON values, each with its field."""
    if isinstance(before, dict) and isinstance(after, dict):
        if list(before) != list(after) and before.keys() == after.keys():
            yield f"{place or 'fields'}: another order, before {list(before)}, after {list(after)}"
        for name in [*before, *(name for name in after if name not in before)]:
            field = f"{place}.{name}" if place else name
            if name not in before or name not in after:
                where, side = ("before", before) if name in before else ("after", after)
                yield f"{field}: only {where}: {shortened(repr(side[name]))}"
            elif name not in VOLATILE_FIELDS:
                yield from between_values(before[name], after[name], field)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from between_values(*pair, f"{place}[{number}]")
    elif isinstance(before, str) and isinstance(after, str) and not ANSWER_FIELDS & set(place.split(".")):
        if settled(before) != settled(after):
            yield f"{place}: " + ", ".join(from_the_difference(before, after))
    elif before != after or type(before) is not type(after):
        yield f"{place}: " + ", ".join(from_the_difference(before, after))


def by_row(records: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Records by row and turn, in a fixed order."""
    rows = defaultdict(list)
    for record in records:
        rows["{split} {row_key} turn {turn}".format(**record)].append(record)
    for of_row in rows.values():
        of_row.sort(key=lambda record: (record["attempts"], record["run_id"], record.get("kind") or ""))
    return dict(sorted(rows.items()))


def records_of(paths: list[Path]) -> tuple[list[Any], dict[str, list[dict[str, Any]]]]:
    """The schemas that Avro files were written with, and their records by row."""
    schemas: list[Any] = []
    records: list[Any] = []
    for path in paths:
        with open(path, "rb") as file:
            reader = fastavro.reader(file)
            if reader.writer_schema not in schemas:
                schemas.append(reader.writer_schema)
            records += reader
    return schemas, by_row(records)


def between_records(before: Any, after: Any) -> Iterator[str]:
    """Differences of two ledgers: schemas exactly, then the records of each row."""
    yield from between_values(before[0], after[0], "schema")
    yield from between_values(before[1], after[1], "record")


def from_the_difference(before: Any, after: Any) -> tuple[str, str]:
    """Two values from shortly before their first difference."""
    first, second = repr(before), repr(after)
    start = max(0, len(os.path.commonprefix([first, second])) - 40)
    cut = "…" if start else ""
    return f"before {cut}{shortened(first[start:])}", f"after {cut}{shortened(second[start:])}"


def shortened(text: str) -> str:
    """A text that fits a line."""
    return text if len(text) <= 200 else f"{text[:200]}…"
