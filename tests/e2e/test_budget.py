"""A limit on cost, tokens or requests for a user: reached, run again, raised."""

import json
import time
from pathlib import Path

import pytest
from builders import questions, read_jsonl
from jobs import Job

from beam_distill.cli.main import main
from beam_distill.simulator.server import RunningSimulator, start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings
from transforms.control.budget_keeper import notes_in

PRICES = ("--price_per_million_input_tokens=2", "--price_per_million_output_tokens=10")
LONG = Latency("fixed", mean_ms=20, completion_tokens=100, completion_sigma=1)


def cost(simulator: RunningSimulator) -> float:
    stats = simulator.stats()
    return float(stats["prompt_tokens"] * 2 + stats["completion_tokens"] * 10) / 1e6


@pytest.mark.slow
def test_a_limit_is_reached_kept_and_raised(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(latency=LONG)) as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(300))
        job.validation(questions(5, 1000))
        assert job.run(*PRICES, "--max_cost=0.1") == 7
        reported = capsys.readouterr().out
        assert 0.09 < cost(simulator) <= 0.102
        assert "NOT FINISHED (exit code 7): max_cost of 0.1 USD leaves no room for another request" in reported
        assert "rows are left; like the others, they would take about" in reported
        assert "should be enough for all" in reported
        record = json.loads((job.work_dir / "run.json").read_text())
        assert record["exit_code"] == 7
        assert record["outcome"] == "budget_spent"
        assert record["limits"][0].startswith("max_cost: 0.")
        assert not job.train_output.exists()
        assert "A rerun with a higher limit sends it." in read_jsonl(job.work_dir / "rejects.jsonl")[-1]["detail"]

        sent = simulator.stats()["requests"]
        assert job.run(*PRICES, "--max_cost=0.1") == 7
        assert simulator.stats()["requests"] == sent
        assert "requests    0;" in capsys.readouterr().out

        enough = reported.partition("--max_cost ")[2].split()[0]
        assert job.run(*PRICES, f"--max_cost={enough}") == 0
        reported = capsys.readouterr().out
        assert "limit       max_cost: 0." in reported
        assert "left, over all runs" in reported
        assert simulator.stats()["requests"] == 305
        assert simulator.stats()["repeats"] == 0
    assert len(read_jsonl(job.train_output)) == 300
    # a job that is done needs no budget
    assert job.run(*PRICES, "--max_cost=0.01") == 0


@pytest.mark.slow
def test_no_request_is_sent_beyond_the_limit_with_attempts_that_fail(tmp_path: Path) -> None:
    faults = {"429": 0.1, "500": 0.05, "non_json": 0.05, "truncated_body": 0.05}
    with start_simulator(SimulatorSettings(latency=LONG, faults=faults)) as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(300))
        for limit in (60, 61, 140):
            assert job.run(f"--max_requests={limit}") == 7
            # our own question to a failing endpoint is a request, too; none exceeds the limit
            assert limit - 1 <= simulator.stats()["requests"] <= limit


def test_attempts_that_may_have_been_billed_count_in_the_next_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(latency=LONG, faults={"hang": 0.2})) as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(60))
        timeouts = ("--initial_request_timeout=1", "--max_request_timeout=1")
        code = job.run(*timeouts, "--max_total_tokens=1000000")
        assert code in (0, 3)
        tokens = simulator.stats()["prompt_tokens"] + simulator.stats()["completion_tokens"]
        hung = simulator.stats()["by_fault"]["hang"]
    (limit,) = json.loads((job.work_dir / "run.json").read_text())["limits"]
    spent = int(limit.split(": ")[1].split()[0].replace(",", ""))
    assert spent - tokens > 50 * hung  # the average of the others, and not zero
    capsys.readouterr()
    assert main(["plan", *job.arguments("--max_total_tokens=1000")[1:]]) == 0
    reported = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("limit "))
    assert reported.startswith(f"limit       max_total_tokens: {spent:,} of 1,000 tokens spent (")
    assert reported.endswith(" tokens of it for attempts without an answer, or estimated), 0 tokens left")


@pytest.mark.slow
def test_requests_in_flight_of_a_killed_run_count(tmp_path: Path) -> None:
    def in_flight() -> int:
        return sum(note.on_wire.requests for note in notes_in(str(job.work_dir / "spending")).values())

    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=60_000))) as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(100))
        process = job.start("--max_requests=200")
        while in_flight() < 5:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        sent = simulator.stats()["requests"]
        assert job.run(f"--max_requests={in_flight()}", "--quiet") == 7
        assert simulator.stats()["requests"] == sent


def test_conversations_go_on_at_their_turn_and_the_rest_is_counted_turn_by_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turns = [{"role": role, "content": f"{role} {turn}"} for turn in range(3) for role in ("user", "assistant")]
    chats = [json.dumps({"messages": [{"role": "system", "content": f"Chat {number}"}, *turns]}) for number in range(40)]
    with start_simulator(SimulatorSettings(latency=Latency("fixed", mean_ms=20))) as simulator:
        job = Job(tmp_path, simulator.base_url, task="CONVERSATION")
        job.train(chats)
        assert job.run("--max_requests=50") == 7
        assert "they would take about 70 requests" in capsys.readouterr().out
        assert job.run("--max_requests=120") == 0
        assert simulator.stats()["requests"] == simulator.stats()["distinct"] == 120


def test_check_warns_of_a_limit_below_the_estimate_and_counts_its_pilot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(latency=LONG)) as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(300))
        arguments = job.arguments(*PRICES, "--max_cost=0.1", "--max_requests=1000")[1:]
        assert main(["check", *arguments]) == 0
        reported = capsys.readouterr().out
        assert "limit       max_cost: 0.00 of 0.10 USD spent, 0.10 USD left" in reported
        assert "warning     max_cost leaves 0.10 USD, and what is to be sent takes at most " in reported
        assert "with exit code 7" in reported
        assert "warning     max_requests" not in reported
        assert main(["check", "--strict", *arguments]) == 2
        assert main(["check", "--pilot=10", *arguments]) == 0
        reported = capsys.readouterr().out
        assert "max_requests: 10 of 1,000 requests spent, 990 requests left" in reported
        assert "what is to be sent takes about" in reported


def test_a_limit_on_cost_needs_prices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job(tmp_path, "http://127.0.0.1:9/v1")
    job.train(questions(3))
    assert job.run("--max_cost=5", "--price_per_million_input_tokens=1") == 2
    assert "max_cost: needs price_per_million_output_tokens" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("judged", [False, True], ids=["teacher", "teacher and judge"])
def test_two_processes_keep_one_limit(judged: bool, tmp_path: Path) -> None:
    with start_simulator(SimulatorSettings(latency=LONG)) as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(400))
        judge = ("--checks=judge", f"--judge_model_endpoint_url={simulator.base_url}", "--judge_model=simulated-teacher")
        asked = ("--max_concurrency_per_instance=2", "--mini_batch_size=2KB", *(judge if judged else ()))
        prices = (*PRICES, *(price.replace("--", "--judge_") for price in PRICES if judged))
        assert job.run(*asked, "--max_requests=103") == 7
        assert simulator.stats()["requests"] == 103
        assert (job.verdicts_kept() > 0) is judged
        assert job.run(*asked, *prices, "--max_cost=0.3") == 7
        assert 0.27 < cost(simulator) <= 0.306
