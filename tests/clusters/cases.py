"""Checks for every cluster."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from clusters.cluster_jobs import TASKS, ClusterJob, chats_of, in_two_formats, measured, rows_of
from processes import wait_for

from beam_distill.simulator.answers import last_question
from beam_distill.simulator.server import RunningSimulator, start_simulator
from beam_distill.simulator.settings import Accuracy, Capacity, Latency, SimulatorSettings, mixed_faults
from transforms.elements.reasons import EXACT_DOUBLE, LEAK, NEAR_DOUBLE
from transforms.elements.tasks import LABELLED

FAULTY = SimulatorSettings(latency=Latency("lognormal", mean_ms=50), faults=mixed_faults(0.1))
CHOOSING = {
    "math": ("--samples=4", "--checks=vote", "--votes=2"),
    "nli": ("--samples=3", "--checks=label", "--keep=one_per_answer"),
    "nlu_qa": ("--samples=4", "--checks=refusal,vote", "--keep=all"),
    "summarization": ("--samples=3", "--checks=length", "--max_answer_words=25", "--keep=shortest"),
    "conversation": ("--samples=3", "--checks=refusal,judge", "--judge_model=simulated-teacher", "--keep=best"),
}
"""For each task how often it is asked, what is accepted and what is kept of that: each check and each way at least once."""
STEADY = SimulatorSettings(latency=Latency("lognormal", mean_ms=300), capacity=Capacity(slots=60))
A_MINUTE_OF_ROWS = 12_000
"""Enough time at that pace for another command to be refused before the end, also on a busy machine."""
A_SYNC_OF_ANSWERS = 60
"""Answers that were received and not yet synced: some 30 ms of them at this teacher's pace, three times that on a slow machine, doubled."""


def same_bytes_as_embedded(name: str, task: str, folder: Path, flags: list[str], in_shards: Sequence[bool], is_sieved: bool) -> None:
    """A task with 10 % faulty requests and several samples of a row: datasets and rejects of the cluster, joined or in shards, and of the
    embedded runner over the same ledger. With ``is_sieved``, rows like others are left out."""
    train, validation = (chats_of(path, task) if path is not None else [] for path in rows_of(task))
    known = {last_question(chat): known_answer(chat, task, number) for number, chat in enumerate([*train, *validation])}
    served = replace(FAULTY, answers=known, accuracy=Accuracy(0.6, same_mistakes=0.2), judge=0.9)
    is_judged = any("judge" in flag for flag in CHOOSING[task])
    with start_simulator(served) as simulator:
        held_back = in_two_formats(validation, folder / "validation") if validation else None
        rows = in_two_formats(train, folder / "train", elsewhere=validation[:3])
        judged = [f"--judge_model_endpoint_url={simulator.base_url}"] * is_judged
        choosing = [*CHOOSING[task], *judged, "--teacher_model_temperature=0.7", *["--drop_doubles=near", "--drop_leaks"] * is_sieved]
        job = ClusterJob(folder, simulator.base_url, TASKS[task], rows, held_back, extra=choosing)
        datasets = []
        for number, sharded in enumerate(in_shards):
            ended = job.run(*["--output_shards=3"] * sharded, *flags, out=f"out-{number}", timeout_s=900)
            assert ended.code == 0, ended.output
            datasets.append(job.shards(f"out-{number}") if sharded else job.datasets(f"out-{number}"))
            if number == 0:
                rejects, record = job.rejects(), job.record()
        embedded = job.run(out="embedded")
        assert embedded.code == 0, embedded.output
        # every run requests a row without an answer again, so the number of attempts differs
        same_rejects = without_attempts(job.rejects()) == without_attempts(rejects)
        same = same_rejects and all(job.datasets("embedded") == dataset for dataset in datasets)
    rows_in = 0
    for part in record["verdict"]["splits"].values():
        assert part["rows"] == part["examples"] + part["rejects"]
        rows_in += part["rows"]
    metrics = record["metrics"]
    assert sum(value for key, value in metrics.items() if key.endswith("_rows_read")) == rows_in
    answers, verdicts = len(answers_of(folder)), len(answers_of(folder, "ledger/judge"))
    assert metrics["requests_answered"] == answers
    assert (metrics.get("judge_verdicts", 0) == verdicts > 0) is is_judged
    assert metrics["latency_ms"]["count"] > 0
    segments = len(list((folder / "work" / "ledger").glob("*.avro")))
    forms = " and ".join("in shards" if sharded else "joined" for sharded in in_shards)
    reasons = Counter(reject["reason"] for reject in without_attempts(rejects))
    measured(
        f"{name} {task} {forms}",
        equal=same,
        rows=rows_in,
        answers=answers,
        verdicts=verdicts,
        rejects=dict(reasons),
        wall_s=round(ended.wall_s, 1),
        segments=segments,
    )
    assert same
    samples = [part["samples"] for part in record["verdict"]["splits"].values()]
    assert any(count["samples"] > count["rows"] for count in samples)
    doubles = {EXACT_DOUBLE, NEAR_DOUBLE, *[LEAK] * bool(validation)}
    assert doubles & reasons.keys() == (doubles if is_sieved else set())


def known_answer(chat: list[dict[str, str]], task: str, number: int) -> str:
    """The right answer to a chat: its label in tasks that have one, else a text whose length differs from chat to chat."""
    return chat[-1]["content"] if TASKS[task] in LABELLED else " ".join(last_question(chat).split()[: 4 + number % 30])


def without_attempts(rejects: bytes) -> list[dict[str, object]]:
    """The lines of rejects.jsonl without the number of attempts."""
    return [{name: value for name, value in json.loads(line).items() if name != "attempts"} for line in rejects.splitlines()]


def answers_of(folder: Path, ledger: str = "ledger") -> list[tuple[str, int]]:
    """The rows on the ledger, with turn; with ``ledger/judge`` those of the verdicts."""
    from ledger_records import list_segments

    from transforms.ledger.avro_schema import IDENTITY_SCHEMA
    from transforms.ledger.segments import read_records

    return [
        (record["row_key"], record["turn"])
        for path in list_segments(str(folder / "work" / ledger))
        for record in read_records(path, IDENTITY_SCHEMA, [])
    ]


def writers_of(folder: Path) -> list[int]:
    """The scoring processes that write to the ledger, by the names of their segments: RUN-PID-UNIQUE."""
    return sorted({int(path.stem.rsplit("-", 2)[1]) for path in (folder / "work" / "ledger").glob("*.avro")})


def killed_mid_run(job: ClusterJob, simulator: RunningSimulator, at: int, kill: Callable[[], None], *flags: str) -> tuple[int, str, int]:
    """Start the job, ``kill()`` after ``answers``, wait for the end: exit code, output, and the requests that were open at the kill."""
    with job.started(*flags) as process:
        wait_for("answers", lambda: simulator.stats()["answered"] >= at or process.poll() is not None, 400)
        assert process.poll() is None, f"the job ended before {at} answers:\n{process.communicate()[0]}"
        open_then = simulator.stats()["in_flight"]
        kill()
        output, _ = process.communicate(timeout=500)
    return process.returncode, output, open_then


def check_survived(job: ClusterJob, simulator: RunningSimulator, rows: int, open_then: int, name: str, **more: object) -> None:
    """No row is missing, the bytes equal those of the embedded runner, and few requests were repeated."""
    stats = simulator.stats()
    on_cluster = job.datasets()
    record = job.record()
    allowed = open_then + A_SYNC_OF_ANSWERS
    assert record["verdict"]["splits"]["train"]["examples"] == rows
    assert job.run(out="embedded").code == 0
    reported = record["answers_repeated"] + record["requests_open_when_lost"]
    measured(
        name,
        rows=rows,
        equal=job.datasets("embedded") == on_cluster,
        teacher_saw_repeats=stats["repeats"],
        allowed=allowed,
        summary_tells=reported,
        **more,
    )
    assert job.datasets("embedded") == on_cluster
    assert stats["repeats"] <= allowed
    # the summary counts what the teacher saw, except for the last moment before the loss
    assert stats["repeats"] <= reported + A_SYNC_OF_ANSWERS
