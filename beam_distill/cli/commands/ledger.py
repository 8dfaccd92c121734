"""``beam-distill ledger``: shows, filters and exports the paid answers."""

from __future__ import annotations

import argparse
import errno
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from typing import IO, TYPE_CHECKING, Any

from beam_distill.after_run.judge_line import tokens_text
from beam_distill.cli.command import WORK_DIR, Call, Command, Takes
from beam_distill.cli.reason_flag import chosen_reasons, reason_problem
from beam_distill.cli.standard_streams import output_failure
from beam_distill.config.errors import SettingsError
from beam_distill.exit_codes import ExitCode
from beam_distill.work_dir.judge_folder import judges_folder
from transforms.elements.counted import counted, duration
from transforms.elements.reasons import CHECK_REASONS, NEVER_ASKED, NOT_SENT
from transforms.elements.usage import sum_of
from transforms.intake.formats.registry import place_in

if TYPE_CHECKING:
    from beam_distill.after_run.report.ledger_facts import LedgerFacts
    from beam_distill.after_run.report.run_files import RunFacts


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Declare the flags."""
    parser.description = f"{parser.description} Without a filter or --export: an overview."
    parser.add_argument(WORK_DIR, metavar="WORK_DIR", help="the work_dir of a run, here or on storage (azfs://, ...)")
    parser.add_argument("--split", choices=("train", "validation"), help="only this split")
    parser.add_argument("--reason", nargs="+", action="extend", metavar="CODE", help="only records that gave no example for these reasons")
    parser.add_argument("--line", type=int, action="append", metavar="N", help="only the row of this line, or record, of the input")
    parser.add_argument("--row", action="append", metavar="KEY", help="only the row with this row_key; may be repeated")
    parser.add_argument("--run", metavar="RUN_ID", help="only records of this run")
    parser.add_argument("--export", metavar="FILE", help="write the records found as JSONL; - is standard output")


def run(call: Call) -> int:
    """Print the overview or the records found. Raises SettingsError for an invalid reason."""
    # late: keeps fastavro out of the start
    from beam_distill.after_run.report.run_files import NoRun, read_run

    namespace, work_dir = call.namespace, call.work_dir
    namespace.reason = _reasons(namespace.reason or [], work_dir)
    try:
        facts = read_run(work_dir)
    except NoRun as missing:
        print(f"beam-distill ledger: {missing}", file=sys.stderr)
        return int(ExitCode.WRONG_INPUT)
    spec = facts.prompt()
    filtered = any((namespace.split, namespace.reason, namespace.line, namespace.row, namespace.run))
    if not filtered and namespace.export is None:
        print(_overview(facts, spec))
        return int(ExitCode.PUBLISHED)
    found = _found(facts.work_dir, spec, _filter(namespace))
    if namespace.export is None:
        shown = False
        for record in found:
            print(_line(record, facts.settings.get("input_format")))
            shown = True
            if output_failure() is not None:
                break
        if not shown:
            print("no record on the ledger matches", file=sys.stderr)
        return int(ExitCode.PUBLISHED)
    try:
        return _export(namespace.export, found)
    except OSError as error:
        print(f"beam-distill ledger: {namespace.export} cannot be written: {error.strerror}", file=sys.stderr)
        return int(ExitCode.STORAGE_FAILED)


def _reasons(given: list[str], work_dir: str) -> tuple[str, ...]:
    chosen = chosen_reasons(given)
    elsewhere = f"have no record on the ledger, because they were not sent; they are listed in {work_dir.rstrip('/')}/rejects.jsonl"
    problems = [problem for code in chosen if (problem := reason_problem(code, elsewhere, NEVER_ASKED | {NOT_SENT}))]
    if problems:
        raise SettingsError(problems)
    return chosen


def _filter(namespace: argparse.Namespace) -> Callable[[dict[str, Any]], bool]:
    def wanted(record: dict[str, Any]) -> bool:
        return (
            (namespace.split is None or record["split"] == namespace.split)
            and (namespace.run is None or record["run_id"] == namespace.run)
            and (not namespace.line or record["line"] in namespace.line)
            and (not namespace.row or record["row_key"] in namespace.row)
            and (not namespace.reason or record["reason"] in namespace.reason)
        )

    return wanted


def _found(work_dir: str, spec: Any, wanted: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
    """The selected answers and failures, each with its reason (None for an accepted answer).

    A usable answer that a check refused has the reason of its row, from the rejects: of a row with several samples that of most of them.
    """
    # late: keeps fastavro out of the start
    from beam_distill.after_run.report.ledger_facts import answer_reader
    from beam_distill.work_dir.files import objects_of
    from beam_distill.work_dir.records import failures, records_and_current

    read = answer_reader(spec)
    rejects = (reject for reject in objects_of(f"{work_dir}/rejects.jsonl") if reject.get("reason") in CHECK_REASONS)
    refused = {reject["row_key"]: {"reason": reject["reason"], "detail": reject.get("detail")} for reject in rejects}  # without the answers
    for record, is_current in records_and_current(f"{work_dir}/ledger", []):
        found = read(record)
        record.update(reason=found.reason, detail=found.detail or None, answer=found.answer, superseded=not is_current)
        by_check = refused.get(record["row_key"]) if found.reason is None and is_current else None
        if by_check is not None:
            record.update(by_check)
        if wanted(record):
            yield record
    for record in failures(f"{work_dir}/failures"):
        record["reason"] = record.pop("kind")
        if record["body"] is not None:
            record["body"] = record["body"].decode("utf-8", "replace")
        if wanted(record):
            yield record


def _line(record: dict[str, Any], input_format: str | None) -> str:
    said = record.get("answer") if record["reason"] is None else f"{record['reason']}: {record.get('detail') or ''}"
    text = " ".join(str(said or "").split())
    text = text[:100] + ("…" if len(text) > 100 else "")
    if not record.get("given_up", True):
        text = f"({'not finished' if record.get('body') is None else 'unusable'}, sent again) {text}"
    turn = f" turn {record['turn'] + 1}" if record["turn"] else ""
    turn += f" sample {record['sample'] + 1}" if record.get("sample") else ""
    if record.get("superseded"):
        text = f"(superseded by a later answer) {text}"
    return f"{record['split']} {record['file']} {place_in(record['file'], record['line'], input_format)}{turn}  {text}"


def _export(target: str, found: Iterator[dict[str, Any]]) -> int:
    count = 0
    # JSON is UTF-8 in any terminal encoding
    opened: Any = nullcontext(sys.stdout.buffer) if target == "-" else open(target, "wb")  # noqa: SIM115 - closed by the with below
    with opened as out:
        out_file: IO[bytes] = out
        for record in found:
            for name in ("payload", "response", "body"):
                if record.get(name) is not None:
                    record[name] = _as_json(record[name])
            # half a surrogate pair, which is not valid UTF-8, is written as a JSON escape
            out_file.write((json.dumps(record, ensure_ascii=False, default=str) + "\n").encode("utf-8", "backslashreplace"))
            if target == "-" and output_failure() is not None:
                break
            count += 1
    if target == "-":
        sys.stdout.flush()
        failure = output_failure()
        if failure is not None and failure.errno != errno.EPIPE:  # who reads may have read enough
            raise failure
    else:
        print(f"{counted(count, 'record')} in {target}")
    return int(ExitCode.PUBLISHED)


def _as_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _refused(samples: dict[str, Any]) -> Iterator[str]:
    """What the latest run's checks refused of the usable answers."""
    counts = {reason: count for reason, count in samples.get("refused_by_reason", {}).items() if reason in CHECK_REASONS}
    if counts:
        yield ", ".join(f"{count:,} {reason}" for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _overview(run: RunFacts, spec: Any) -> str:
    # late: keeps fastavro out of the start
    from beam_distill.after_run.report.ledger_facts import gather
    from beam_distill.work_dir.files import segments_storage

    ledger = f"{run.work_dir}/ledger"
    facts = gather(ledger, spec, "")
    with closing(segments_storage(run.work_dir)) as storage:
        segments = storage.segments(ledger)
    lines = [
        f"answers     {facts.answers:,} in {counted(len(segments), 'segment')}, {sum(segment.size for segment in segments) / 1e6:,.1f} MB",
    ]
    for split, count in sorted(facts.splits.items()):
        lines.append(f"  {split:<10}{count:>10,}")
    lines.append(f"tokens      {tokens_text(sum_of(run.usage for run in facts.runs.values()))}")
    if facts.superseded:
        lines.append(f"superseded  {facts.superseded:,} by later answers to the same rows; the counts below are without these")
    lines += [*_usable_lines(facts, run, spec), *_failure_lines(run.work_dir), *_verdict_lines(ledger), "runs"]
    for run_id in sorted(facts.runs):
        counts = facts.runs[run_id]
        took_s = (counts.last_answered_ms - counts.first_sent_ms) / 1000
        lines.append(f"  {run_id}  {counted(counts.answers, 'answer'):>17} in {duration(took_s)}")
    for segment in facts.torn:
        what = f"{counted(segment.kept, 'record')} can be read; {segment.why}"
        lines.append(f"damaged     {segment.path}: {what}. The next run sends the lost requests again")
    return "\n".join(lines)


def _usable_lines(facts: LedgerFacts, run: RunFacts, spec: Any) -> list[str]:
    unusable = facts.unusable.total
    usable = facts.answers - facts.superseded - unusable
    lines = [f"usable      {usable:,}" + (f", not usable {unusable:,}:" if unusable else "")]
    lines += [f"  {reason:<26}{count:>8,}" for reason, count in facts.unusable.top(50)]
    for split, fields in ((run.record.get("verdict") or {}).get("splits") or {}).items():
        lines += [f"refused     {said} in {split}, by the checks of the latest run" for said in _refused(fields.get("samples") or {})]
    if spec is not None and spec.task.is_labelled and facts.labels.total:
        shown = ", ".join(f"{label[:30]!r} {count:,} {'time' if count == 1 else 'times'}" for label, count in facts.labels.top(5))
        several = len(facts.labels.counts)
        lines.append(f"most often  {shown}" + (f"; {several:,} different answers in all" if several > 5 else ""))
    if facts.agreement.total:
        lines.append(f"labels      {facts.agreement.sentence}")
    return lines


def _failure_lines(work_dir: str) -> list[str]:
    # late: keeps fastavro out of the start
    from beam_distill.work_dir.records import failures

    lines = []
    failed: Counter[str] = Counter()
    useless = 0
    for record in failures(f"{work_dir}/failures"):
        if record["given_up"]:
            failed[record["kind"]] += 1
        elif record["body"] is not None:
            useless += 1
    if failed:
        lines.append("requests that ended without an answer, in all runs:")
        lines += [f"  {kind:<26}{count:>8,}" for kind, count in failed.most_common()]
    if useless:
        lines.append(f"unusable answers with status 200, whose request was sent again: {useless:,}")
    return lines


def _verdict_lines(ledger: str) -> list[str]:
    """What the judge did."""
    # late: keeps fastavro out of the start
    from beam_distill.work_dir.records import RunCounts, records

    verdicts = RunCounts()
    for record in records(judges_folder(ledger), []):
        verdicts.add(record)
    if not verdicts.answers:
        return []
    return [f"judge       {counted(verdicts.answers, 'verdict')} beside these; tokens {tokens_text(verdicts.usage)}"]


COMMAND = Command("ledger", "look at the answers on a ledger; filter and export them", Takes.WORK_DIR, declare, run)
