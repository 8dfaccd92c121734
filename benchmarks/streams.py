"""The cost of a streamed answer compared to one in one piece, and how soon its tokens arrive."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Measurement, digest, run_measured
from benchmarks.teacher import TeacherProcess, command, write_questions

FEW_ROWS = 100


def streamed_cpu(rows: int = 3_000, tokens: int = 200, *flags: str) -> Measurement:
    """CPU of a streamed answer of about ``tokens`` tokens / CPU of the same answer in one piece. It covers everything done for a row,
    without start-up: the process has already run a job."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_questions(folder / "few.jsonl", FEW_ROWS)
        write_questions(folder / "many.jsonl", rows)
        cpu_s: dict[str, float] = {}
        datasets = []
        for mode in ("off", "on"):
            with TeacherProcess("--reasoning=field", f"--thinking_tokens={tokens}", *flags) as teacher:
                ended = run_measured([sys.executable, "-m", "benchmarks.streams", mode, str(folder), teacher.url])
                assert ended.code == 0, ended.output
                stats = teacher.stats()
            cpu_s[mode] = float(ended.output.split()[-1]) / rows
            datasets.append(digest(folder / f"many-{mode}" / "train.jsonl"))
    achieved = cpu_s["on"] / cpu_s["off"]
    return Measurement(
        "streamed-cpu",
        "<= 2.5",
        achieved,
        achieved <= 2.5 and datasets[0] == datasets[1],
        ended.wall_s,
        rows=rows,
        requests=stats["requests"],
        cpu_ms_per_request=1000 * cpu_s["on"],
        same_output=datasets[0] == datasets[1],
        note=f"{1000 * cpu_s['on']:.2f} ms against {1000 * cpu_s['off']:.2f} ms an answer of {tokens} tokens",
    )


def streamed_cpu_paced(rows: int = 1_000) -> Measurement:
    """The same for a teacher that writes 50 tokens per second, 100 answers at a time: each token is a separate packet."""
    return _named("streamed-cpu-paced", streamed_cpu(rows, 200, "--latency=fixed", "--latency_ms=4000", "--slots=100"))


def thinking_teacher(rows: int = 128, tokens: int = 2_000) -> Measurement:
    """64 answers at a time of 2,000 tokens at 100 per second, attempts of at most 5 s: makespan / the teacher's own time, and the time
    to the first token and tokens per second that the command reports."""
    flags = ("--reasoning=field", f"--thinking_tokens={tokens}", "--latency=per_token", "--prefill_ms=500", "--token_ms=10", "--slots=64")
    ideal_s = rows / 64 * (0.5 + (tokens + 1) * 0.01)
    with tempfile.TemporaryDirectory() as name, TeacherProcess(*flags) as teacher:
        folder = Path(name)
        questions = folder / "rows.jsonl"
        write_questions(questions, rows)
        impatient = ("--initial_request_timeout=5", "--max_request_timeout=5", "--teacher_model_max_new_tokens=4096")
        known = ("--initial_worker_count=64", "--max_worker_count=64")  # the search is not measured here
        ended = run_measured(command(questions, folder / "run", teacher.url, *impatient, *known), folder / "run" / "train.jsonl")
        stats = teacher.stats()
        assert ended.code == 0, ended.output
        metrics: dict[str, Any] = json.loads((folder / "run" / "train.beam_distill" / "run.json").read_text())["metrics"]
    achieved = stats["busy_s"] / ideal_s
    first_s = metrics["first_token_ms"] / metrics["answers_streamed"] / 1000
    rate = 1000 * metrics["streamed_tokens"] / metrics["streaming_ms"]
    return Measurement(
        "thinking-teacher",
        "<= 1.10, nothing twice",
        achieved,
        achieved <= 1.10 and stats["repeats"] == 0,
        stats["busy_s"],
        ideal_s,
        rows,
        stats["requests"],
        peak_in_flight=stats["peak_in_flight"],
        cpu_ms_per_request=1000 * ended.cpu_s / rows,
        note=f"first token after {first_s:.2f} s, then {rate:.1f} tokens/s an answer; {stats['repeats']} answers paid twice",
    )


def _cpu_s(mode: str, folder: Path, url: str) -> float:
    """CPU seconds of this process for many rows, after a few to warm up."""
    from beam_distill import distill

    used = 0.0
    for rows in ("few", "many"):
        before = resource.getrusage(resource.RUSAGE_SELF)
        result = distill(
            data_generation_task_type="MATH",
            train_file_path=str(folder / f"{rows}.jsonl"),
            generated_batch_train_file_path=str(folder / f"{rows}-{mode}" / "train.jsonl"),
            teacher_model_endpoint_url=url,
            teacher_model_max_new_tokens=1024,
            stream=mode,
            report=False,
            quiet=True,
        )
        assert result.ok, str(result)
        after = resource.getrusage(resource.RUSAGE_SELF)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used


def _named(name: str, measurement: Measurement) -> Measurement:
    measurement.scenario = name
    return measurement


if __name__ == "__main__":
    print(_cpu_s(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
