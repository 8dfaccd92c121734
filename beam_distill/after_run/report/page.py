"""The facts in the form of the page."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from beam_distill.after_run.report.figures import figures
from beam_distill.after_run.report.how_right_section import how_right
from beam_distill.after_run.report.ledger_facts import LedgerFacts, ReadAnswer, messages_of
from beam_distill.after_run.report.run_files import RunFacts
from beam_distill.after_run.report.sentences import sentence
from beam_distill.after_run.token_speed import token_speed
from beam_distill.job.prices import Prices
from beam_distill.version import VERSION
from beam_distill.work_dir.records import RunCounts
from transforms.elements.counted import counted, duration
from transforms.elements.sample_tally import RefusedSample
from transforms.intake.formats.registry import place_in
from transforms.teacher.response import BrokenBody, read_reply

LONGEST_TEXT = 4000

_OUTCOMES = {
    "published": ("good", "Published"),
    "below_minimum": ("bad", "Not published: below the minimum"),
    "endpoint_stopped": ("bad", "Stopped: the endpoint refused or went away"),
    "storage_failed": ("bad", "Stopped: storage failed"),
    "budget_spent": ("warn", "Stopped: the limit of cost, tokens or requests is reached"),
    "interrupted": ("warn", "Interrupted"),
    "wrong_input": ("bad", "Nothing could be sent"),
    "defect": ("bad", "Ended by a defect"),
}


def render(run: RunFacts, ledger: LedgerFacts, rejects: dict[str, list[dict[str, Any]]], rejects_are_older: bool, prices: Prices | None) -> str:
    """The whole page. The template escapes every text from outside; only our own charts are not escaped.

    ``rejects_are_older``: they are from the previous run.
    """
    environment = Environment(
        loader=PackageLoader("beam_distill.after_run.report", ""),
        autoescape=select_autoescape(default_for_string=True, default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    input_format = run.settings.get("input_format")
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment.get_template("report.html.j2").render(
        task=_task(run),
        badge=_badge(run),
        message=sentence(_message(run)),
        warnings=[*(run.record.get("warnings") or []), *ledger.same.warnings(prices)],
        asked_with=_asked_with(run),
        files=list(_files(run)),
        endpoint=run.record.get("endpoint") or {},
        started=_moment(run.record.get("started")),
        tiles=list(_tiles(run, ledger, prices)),
        how_right=[(split, [_refused(*one, input_format) for one in split.to_read]) for split in how_right(run, prices, ledger.refused)],
        splits=_splits(run),
        reasons=_reasons(run),
        failures=run.record.get("failures") or [],
        figures=list(figures(run, ledger)),
        endpoints=list(_endpoints(run, ledger)),
        runs=list(_runs(run, ledger, prices)),
        torn=ledger.torn,
        disagreements=[_example(record, read, input_format) for record, read in ledger.disagreements.values()],
        agreement=sentence(ledger.agreement.sentence),
        examples=_without_common_beginning([_example(record, read, input_format) for record, read in ledger.examples.values()]),
        rejects=[
            (reason, run.explained(reason), [_reject(reject, ledger.questions, input_format) for reject in listed])
            for reason, listed in rejects.items()
        ],
        rejects_are_older=rejects_are_older,
        has_timeline=bool(run.samples),
        settings=[(name, _value(value), run.record.get("origins", {}).get(name, "default")) for name, value in run.settings.items()],
        version=VERSION,
        made=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        run_id=run.run_id,
        work_dir=run.work_dir,
    )


def _task(run: RunFacts) -> str:
    """The task and the file, to distinguish the reports of several runs in a browser."""
    settings = run.settings
    name = os.path.basename(str(settings.get("generated_batch_train_file_path") or ""))
    ways = [name for name in ("chain_of_thought", "chain_of_density") if settings.get(f"enable_{name}")]
    task = str(settings.get("data_generation_task_type") or "Distillation") + "".join(f" with {way.replace('_', ' ')}" for way in ways)
    return f"{task}: {name}" if name else task


def _asked_with(run: RunFacts) -> str:
    """The sampling parameters as text."""
    settings = run.settings
    if "teacher_model_temperature" not in settings:
        return ""
    names = {"temperature": "temperature", "top_p": "top_p", "frequency_penalty": "frequency penalty", "presence_penalty": "presence penalty"}
    values = {shown: settings.get(f"teacher_model_{name}") for name, shown in names.items()}
    parts = [f"{shown} {value}" for shown, value in values.items() if value is not None and (value or not shown.endswith("penalty"))]
    return f"Asked with {', '.join(parts)}, at most {settings.get('teacher_model_max_new_tokens') or 'the default number of'} tokens an answer."


def _files(run: RunFacts) -> Iterator[tuple[str, str]]:
    """The name and path of each file of the run."""
    record = run.record
    for split, path in (record.get("datasets") or {}).items():
        yield split if split.endswith("pairs") else f"{split} dataset", str(path)
    for split in ("train", "validation"):
        if run.settings.get(f"{split}_file_path"):
            yield f"{split} input", str(run.settings[f"{split}_file_path"])
    for name, title in (("handoff", "for the training"), ("rejects", "rejects")):
        if record.get(name):
            yield title, str(record[name])
    yield "work_dir", run.work_dir


def _badge(run: RunFacts) -> tuple[str, str]:
    if run.finished:
        outcome = str(run.record.get("outcome"))
        return _OUTCOMES.get(outcome, ("warn", outcome.replace("_", " ")))
    if run.running:
        return "warn", "Running"
    return "warn", "Not finished"


def _message(run: RunFacts) -> str:
    if run.finished:
        return str(run.record.get("message") or "")
    if run.running:
        return f"This is the current state of the run. Update the report at any time with: beam-distill report {shlex.quote(run.work_dir)}"
    return "The run ended without a result. Every received answer is on the ledger; run the same command again to continue."


def _moment(text: Any) -> str:
    try:
        return datetime.fromisoformat(str(text)).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return ""


def _tiles(run: RunFacts, ledger: LedgerFacts, prices: Prices | None) -> Iterator[tuple[str, str, str]]:
    """Name, value and remark of each number at the top of the page."""
    splits = _splits(run)
    here = ledger.runs.get(run.run_id, RunCounts())
    if splits and run.finished:
        rows, examples = sum(split["rows"] for split in splits), sum(split["examples"] for split in splits)
        yield "rows in", f"{rows:,}", ""
        yield "examples", f"{examples:,}", f"{examples / rows:.1%} of rows" if rows else ""
        yield "rejects", f"{rows - examples:,}", ""
        if ledger.agreement.comparable:
            agreement = ledger.agreement
            yield "agree with their label", f"{agreement.same / agreement.total:.1%}", f"of {counted(agreement.total, 'answer')}"
    elif run.samples:
        last = run.samples[-1]
        yield "rows done", f"{sum(last['rows'].values()):,}", ""
        if last.get("rejects") is not None:
            yield "rejects so far", f"{sum(last['rejects'].values()):,}", ""
    metrics = run.record.get("metrics") or {}
    if "requests_sent" in metrics:
        retried = metrics.get("requests_retried", 0)
        yield "requests", f"{metrics['requests_sent']:,}", counted(retried, "retry", "retries") if retried else ""
    elif here.answers:
        yield "answers", f"{here.answers:,}", ""
    if run.record.get("left_out"):
        yield "left out of requests", ", ".join(run.record["left_out"]), "the teacher refuses it"
    speed = token_speed(metrics)
    if speed is not None:
        yield "to the first token", f"{speed.first_token_s:.1f} s", f"on average, of {counted(speed.answers, 'streamed answer')}"
        if speed.tokens_per_s is not None:
            yield "tokens a second", f"{speed.tokens_per_s:,.1f}", "of one answer, from its first token on"
    this_run = "this run" if len(ledger.runs) > 1 else ""
    cached = f"{here.usage.cached:,} from the cache" if here.usage.cached else ""
    reasoning = f"{here.usage.reasoning:,} of reasoning" if here.usage.reasoning else ""
    yield "tokens in", f"{here.usage.prompt:,}", ", ".join(filter(None, (cached, this_run)))
    yield "tokens out", f"{here.usage.completion:,}", ", ".join(filter(None, (reasoning, this_run)))
    if prices is not None:
        paid = sum(prices.cost(counts.usage) for counts in ledger.runs.values())
        now = prices.cost(here.usage)
        earlier = f"{prices.amount(paid)} with earlier runs" if len(ledger.runs) > 1 else ""
        yield "cost", prices.amount(now), ", ".join(filter(None, (prices.remark, earlier)))
    judged = [split["judge"] for split in splits if split.get("judge")]
    if judged:
        requests, tokens_in, tokens_out = (sum(j[name] for j in judged) for name in ("requests_sent", "prompt_tokens", "completion_tokens"))
        yield "requests to the judge", f"{requests:,}", f"{tokens_in:,} tokens in, {tokens_out:,} out"
    for limit in run.record.get("limits") or ():
        name, _, how_much = str(limit).partition(": ")
        yield name, how_much.partition(" spent")[0], f"spent over all runs, {how_much.rpartition(', ')[2]}"
    wall_s = run.record.get("wall_s")
    if wall_s is None and run.samples:
        wall_s = run.samples[-1]["t_s"]
    if wall_s is not None:
        pace = f"{here.answers / wall_s:.1f} answers/s" if here.answers and wall_s else ""
        yield "time", duration(wall_s), pace


def _splits(run: RunFacts) -> list[dict[str, Any]]:
    verdict = run.record.get("verdict") or {}
    return [{"name": name, **fields} for name, fields in (verdict.get("splits") or {}).items()]


def _reasons(run: RunFacts) -> list[tuple[str, list[int], str]]:
    """Each reason with its count per split, the most frequent first."""
    splits = _splits(run)
    if not splits and run.samples:
        found = run.samples[-1].get("rejects") or {}
        return [(reason, [count], run.explained(reason)) for reason, count in sorted(found.items(), key=lambda item: -item[1])]
    names = {reason for split in splits for reason in split["rejected_by_reason"]}
    counts = {name: [split["rejected_by_reason"].get(name, 0) for split in splits] for name in names}
    return [(name, counts[name], run.explained(name)) for name in sorted(names, key=lambda name: (-sum(counts[name]), name))]


def _runs(run: RunFacts, ledger: LedgerFacts, prices: Prices | None) -> Iterator[dict[str, Any]]:
    for run_id in sorted(ledger.runs):
        counts = ledger.runs[run_id]
        yield {
            "run_id": run_id,
            "this": run_id == run.run_id,
            "began": datetime.fromtimestamp(counts.first_sent_ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M"),
            "time": duration((counts.last_answered_ms - counts.first_sent_ms) / 1000),
            "answers": counts.answers,
            "prompt_tokens": counts.usage.prompt,
            "completion_tokens": counts.usage.completion,
            "cost": None if prices is None else prices.amount(prices.cost(counts.usage)),
            "cost_remark": "" if prices is None else prices.remark,
        }


def _endpoints(run: RunFacts, ledger: LedgerFacts) -> Iterator[dict[str, Any]]:
    """The endpoints' answers, if there are several or one was taken out."""
    taken_out = run.record.get("endpoints_taken_out") or {}
    if len(ledger.endpoints) + len(taken_out) < 2:
        return
    for name in sorted({*ledger.endpoints, *taken_out}, key=lambda name: (-ledger.endpoints.get(name, RunCounts()).answers, name)):
        counts = ledger.endpoints.get(name, RunCounts())
        yield {
            "name": name,
            "answers": counts.answers,
            "share": f"{counts.answers / ledger.answers:.1%}" if ledger.answers else "",
            "latency": f"{counts.latency_sum_ms / counts.answers / 1000:.2f} s" if counts.answers else "",
            "prompt_tokens": counts.usage.prompt,
            "completion_tokens": counts.usage.completion,
            "refused": taken_out.get(name),
        }


def _example(record: dict[str, Any], read: ReadAnswer, input_format: str | None) -> dict[str, Any]:
    messages = [(role, _shortened(text)) for role, text in messages_of(record)]
    return {
        "where": f"{record['split']}, {record['file']}, {place_in(record['file'], record['line'], input_format)}",
        "question": next((text for role, text in reversed(messages) if role == "user"), ""),
        "messages": messages,
        "raw": _shortened(read.content or ""),
        "answer": _shortened(read.answer or ""),
        "reference": record["reference_answer"],
        "facts": f"{record['prompt_tokens'] or '?'} tokens in, {record['completion_tokens'] or '?'} out, "
        f"{record['latency_ms'] / 1000:.2f} s, {record['attempts']} attempt{'s' if record['attempts'] != 1 else ''}",
    }


def _refused(refused: RefusedSample, check: str, record: dict[str, Any], input_format: str | None) -> dict[str, Any]:
    sample = f", sample {refused.sample + 1}" if refused.sample else ""
    shown = _example(record, ReadAnswer(_text_of(record), None, refused.reason), input_format)
    by = f"the check {check}" if check else "its form: it is not usable"
    return {**shown, "where": shown["where"] + sample, "reason": refused.reason, "by": by, "detail": refused.detail}


def _text_of(record: dict[str, Any]) -> str | None:
    try:
        return read_reply(record["response"], record["turn"], record["attempts"], record["latency_ms"]).content
    except BrokenBody:
        return None


def _without_common_beginning(examples: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The examples without the common beginning of their questions."""
    shared = os.path.commonprefix([example["question"] for example in examples]) if len(examples) > 1 else ""
    cut = shared.rfind(" ") + 1
    if cut > 40:
        for example in examples:
            example["question"] = f"… {example['question'][cut:]}"
    return examples


def _reject(reject: dict[str, Any], questions: dict[str, dict[str, Any]], input_format: str | None) -> dict[str, Any]:
    record = questions.get(str(reject.get("row_key")))
    raw = reject.get("raw_answer")
    return {
        "where": f"{reject.get('split')}, {reject.get('file')}, {place_in(str(reject.get('file')), reject.get('line'), input_format)}",
        "detail": _shortened(str(reject.get("detail") or "")),
        "attempts": reject.get("attempts") or 0,
        "raw": None if raw is None else _shortened(str(raw)),
        "messages": [] if record is None else [(role, _shortened(text)) for role, text in messages_of(record)],
    }


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]} … ({len(text) - LONGEST_TEXT:,} characters more)"


def _value(value: Any) -> str:
    return "-" if value is None else str(value)
