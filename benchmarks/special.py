"""Special measurements: zero latency, capacity steps, memory, start-up, kills."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import fastavro

from benchmarks.measure import Measurement, digest, expected_output, run_measured
from benchmarks.teacher import TeacherProcess, command, write_questions

BATCHING = (
    "--latency=per_token",
    "--token_ms=10",
    "--load_token_ms=0.1",
    "--slots=128",
    "--completion_tokens=128",
    "--completion_sigma=0.4",
)


def continuous_batching(rows: int = 2_000, fixed: tuple[int, ...] = (96, 128, 160, 192)) -> Measurement:
    """Tokens per second from a server that slows down with load (at most 128 running, 10 ms + 0.1 ms x running per token),
    compared with the best of bare loops with a fixed number of requests at a time.
    """

    def tokens_per_s(stats: dict[str, Any]) -> float:
        return float(stats["completion_tokens"] / stats["busy_s"])

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        questions = folder / "rows.jsonl"
        write_questions(questions, rows)
        expected = expected_output(questions, rows, folder)
        swept = {}
        for connections in fixed:
            with TeacherProcess(*BATCHING) as teacher:
                run_measured([sys.executable, "-m", "benchmarks.bare_aiohttp", str(questions), teacher.url, str(connections)])
                swept[connections] = tokens_per_s(teacher.stats())
        with TeacherProcess(*BATCHING) as teacher:
            ended = run_measured(command(questions, folder / "run", teacher.url))
            stats = teacher.stats()
        assert ended.code == 0, ended.output
        same = digest(folder / "run" / "train.jsonl") == expected
    best = max(swept, key=lambda connections: swept[connections])
    achieved = tokens_per_s(stats) / swept[best]
    return Measurement(
        "continuous-batching",
        ">= 0.95",
        achieved,
        achieved >= 0.95 and same,
        ended.wall_s,
        stats["completion_tokens"] / swept[best],
        rows,
        stats["requests"],
        peak_in_flight=stats["peak_in_flight"],
        cpu_ms_per_request=1000 * ended.cpu_s / rows,
        rss_mb=ended.rss_mb,
        same_output=same,
        note=f"{tokens_per_s(stats):.0f} tokens/s against {swept[best]:.0f} of the best fixed number, {best} of {', '.join(map(str, fixed))}",
    )


def zero_latency(rows: int = 60_000, connections: int = 64) -> Measurement:
    """Rows per second end to end on the embedded runner, compared with a bare aiohttp loop; both with a teacher process."""
    with tempfile.TemporaryDirectory() as name, TeacherProcess() as teacher:
        folder = Path(name)
        questions = folder / "rows.jsonl"
        write_questions(questions, rows)
        bare = [run_measured([sys.executable, "-m", "benchmarks.bare_aiohttp", str(questions), teacher.url, str(connections)])]
        ended = run_measured(command(questions, folder / "run", teacher.url), folder / "run" / "train.jsonl")
        bare.append(run_measured([sys.executable, "-m", "benchmarks.bare_aiohttp", str(questions), teacher.url, str(connections)]))
        assert ended.code == 0, ended.output
        bare_rate = sum(float(run.output.split()[-1]) for run in bare) / len(bare)
        ours = rows / ended.files_s
        written = (folder / "run" / "train.jsonl").read_bytes().count(b"\n")
    return Measurement(
        "zero-latency",
        ">= 0.70",
        ours / bare_rate,
        ours / bare_rate >= 0.70,
        ended.files_s,
        rows / bare_rate,
        rows,
        rows,
        cpu_ms_per_request=1000 * ended.cpu_s / rows,
        rss_mb=ended.rss_mb,
        same_output=written == rows,
        note=f"{ours:.0f} rows/s, start-up included, against {bare_rate:.0f} of a bare aiohttp loop (mean of one before, one after)",
    )


def capacity_steps(name: str = "capacity-steps", last: int = 64, rows: int = 6400, *more: str) -> Measurement:
    """64 slots, 32 from second 15 on, ``last`` from second 35: the share of the new capacity delivered from 10 s after each change."""
    service_s = 0.5
    flags = ("--latency=lognormal", "--latency_ms=500", "--sigma=0.6", "--slots=64", "--slots_after=15=32", f"--slots_after=35={last}", *more)
    with tempfile.TemporaryDirectory() as temporary, TeacherProcess(*flags) as teacher:
        folder = Path(temporary)
        questions = folder / "rows.jsonl"
        write_questions(questions, rows)
        series: list[tuple[float, int]] = []
        done = threading.Event()

        def watch() -> None:
            begun = 0.0
            while not done.wait(0.25):
                stats = teacher.stats()
                if stats["requests"]:
                    begun = begun or time.monotonic()
                    series.append((time.monotonic() - begun, stats["answered"]))

        watcher = threading.Thread(target=watch)
        watcher.start()
        ended = run_measured(command(questions, folder / "run", teacher.url))
        done.set()
        watcher.join()
        assert ended.code == 0, ended.output
        stats = teacher.stats()

    def rate(start_s: float, end_s: float) -> float:
        inside = [point for point in series if start_s <= point[0] <= end_s]
        return (inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0])

    halved = rate(25.0, 34.0) / (32 / service_s)
    raised = rate(45.0, 55.0) / (last / service_s)
    achieved = min(halved, raised)
    return Measurement(
        name,
        ">= 0.90",
        achieved,
        achieved >= 0.9,
        ended.wall_s,
        0.0,
        rows,
        stats["requests"],
        stats["by_status"].get("429", 0) / stats["requests"],
        peak_in_flight=stats["peak_in_flight"],
        rss_mb=ended.rss_mb,
        cpu_ms_per_request=1000 * ended.cpu_s / rows,
        note=f"after halving {halved:.2f}, after raising {raised:.2f} of the new capacity",
    )


def ten_rows() -> Measurement:
    """Seconds from the command to the files with a teacher that answers at once; the median of five."""
    with tempfile.TemporaryDirectory() as name, TeacherProcess() as teacher:
        folder = Path(name)
        questions = folder / "rows.jsonl"
        write_questions(questions, 10)
        runs = sorted(
            run_measured(command(questions, folder / str(number), teacher.url), folder / str(number) / "train.jsonl").files_s
            for number in range(5)
        )
    return Measurement("ten-rows", "< 3 s", runs[2], runs[2] < 3.0, runs[2], 0.0, 10, 10, note=f"{runs[0]:.2f} to {runs[-1]:.2f} s")


def memory(rows: int, most_mb: float = 1536.0) -> Measurement:
    """Peak resident memory for ``rows`` rows of about 1.8 KB on the embedded runner, and the time per row."""
    with tempfile.TemporaryDirectory() as name, TeacherProcess() as teacher:
        folder = Path(name)
        questions = folder / "rows.jsonl"
        write_questions(questions, rows, padding_bytes=1600)
        ended = run_measured(command(questions, folder / "run", teacher.url), folder / "run" / "train.jsonl", timeout_s=3600)
        assert ended.code == 0, ended.output
        written = (folder / "run" / "train.jsonl").read_bytes().count(b"\n")
    return Measurement(
        f"memory-{rows}",
        f"< {most_mb:.0f} MB",
        ended.rss_mb,
        ended.rss_mb < most_mb,
        ended.files_s,
        0.0,
        rows,
        rows,
        cpu_ms_per_request=1000 * ended.cpu_s / rows,
        rss_mb=ended.rss_mb,
        same_output=written == rows,
        note=f"{1000 * ended.files_s / rows:.3f} ms a row",
    )


def kills(times: int = 20, rows: int = 1200) -> Measurement:
    """One run, killed (-9) at random moments and restarted until it ends: repeated requests after each kill, and the dataset's bytes."""
    flags = ("--latency=lognormal", "--latency_ms=300", "--slots=64")
    randomness = random.Random(20)
    worst_excess = -(10**9)
    repeats = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        questions = folder / "rows.jsonl"
        write_questions(questions, rows)
        expected = expected_output(questions, rows, folder)
        with TeacherProcess(*flags) as teacher:
            argv = command(questions, folder / "run", teacher.url)
            done = 0
            for _ in range(times):
                process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                begun = teacher.stats()["requests"]
                while teacher.stats()["requests"] == begun and process.poll() is None:
                    time.sleep(0.01)
                time.sleep(randomness.random() * 0.35)
                at_kill = teacher.stats()
                process.send_signal(signal.SIGKILL)
                process.wait()
                done += 1
                time.sleep(0.2)
                after = teacher.stats()
                worst_excess = max(worst_excess, (after["repeats"] - repeats) - (at_kill["in_flight"] + 64 / 0.3))
                repeats = after["repeats"]
            ended = run_measured(argv)
            assert ended.code == 0, ended.output
            stats = teacher.stats()
            same = digest(folder / "run" / "train.jsonl") == expected
    per_kill = stats["repeats"] / max(done, 1)
    return Measurement(
        "kills",
        "repeats <= in flight + 1 s",
        per_kill,
        worst_excess <= 0 and same,
        ended.wall_s,
        0.0,
        rows,
        stats["requests"],
        peak_in_flight=stats["peak_in_flight"],
        same_output=same,
        note=f"{done} kills, {stats['repeats']} answers repeated in all ({per_kill:.1f} a kill), dataset {'identical' if same else 'DIFFERENT'}",
    )


RATE = ("--latency=fixed", "--latency_ms=200", "--requests_per_second=100", "--burst=20", "--retry_after=none")


def fair_shares(name: str = "fair-shares", rows: int = 3_000, per_s: float = 100.0, flags: tuple[str, ...] = RATE) -> Measurement:
    """Two commands at once on an endpoint with ``per_s`` answers per second; the second starts some seconds later. The result is the
    smaller share in the last 20 seconds in which both ran. The note has the share over the whole time.
    """
    with tempfile.TemporaryDirectory() as temporary, TeacherProcess(*flags) as teacher:
        folder = Path(temporary)
        started: list[subprocess.Popen[bytes]] = []
        ledgers = []
        for number in range(2):
            questions = folder / f"rows-{number}.jsonl"
            write_questions(questions, rows)
            argv = command(questions, folder / str(number), teacher.url, "--report=false")
            started.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            ledgers.append(folder / str(number) / "train.beam_distill" / "ledger")
            time.sleep(5.0 if number == 0 else 0.0)
        codes = [process.wait(timeout=300) for process in started]
        assert codes == [0, 0]
        answered_ms = [sorted(_answer_times_ms(ledger)) for ledger in ledgers]
        stats = teacher.stats()
    # five seconds to find each other, then until the first of them is done
    begin_ms, end_ms = max(times[0] for times in answered_ms) + 5_000, min(times[-1] for times in answered_ms)
    inside = [sum(begin_ms <= moment <= end_ms for moment in times) for times in answered_ms]
    late = [sum(end_ms - 20_000 <= moment <= end_ms for moment in times) for times in answered_ms]
    share = min(late) / sum(late)
    both_s = (end_ms - begin_ms) / 1000
    return Measurement(
        name,
        ">= 0.40, evenly 0.50",
        share,
        share >= 0.40,
        stats["busy_s"],
        2 * rows / per_s,
        2 * rows,
        stats["requests"],
        stats["by_status"].get("429", 0) / stats["requests"],
        stats["peak_in_flight"],
        note=f"{late[0]} and {late[1]} answers in the last 20 s; {min(inside) / sum(inside):.2f} over the "
        f"{both_s:.0f} s that both were at work, together {sum(inside) / both_s / per_s:.2f} of the capacity",
    )


def _answer_times_ms(ledger: Path) -> list[int]:
    times = []
    for segment in ledger.glob("*.avro"):
        with open(segment, "rb") as file:
            times += [round(record["answered_at_ms"].timestamp() * 1000) for record in fastavro.reader(file)]
    return times


def processes(rows: int = 6_000) -> Measurement:
    """The speed-up of two scoring processes over one, each with at most 32 requests at a time; the teacher takes 200 ms."""
    rates = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        questions = folder / "rows.jsonl"
        write_questions(questions, rows)
        outputs = set()
        for count in (1, 2):
            with TeacherProcess("--latency=fixed", "--latency_ms=200") as teacher:
                flags = ("--max_worker_count=32", f"--max_concurrency_per_instance={count}")
                ended = run_measured(command(questions, folder / str(count), teacher.url, *flags))
                assert ended.code == 0, ended.output
                rates[count] = rows / teacher.stats()["busy_s"]
            outputs.add(digest(folder / str(count) / "train.jsonl"))
    gain = rates[2] / rates[1]
    return Measurement(
        "processes",
        ">= 1.8",
        gain,
        gain >= 1.8 and len(outputs) == 1,
        rows / rates[2],
        rows / 320,
        rows,
        rows,
        same_output=len(outputs) == 1,
        note=f"{rates[1]:.0f} rows/s with one process, {rates[2]:.0f} with two",
    )
