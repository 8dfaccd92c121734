"""Cached and reasoning tokens are counted and priced separately wherever tokens or money are shown."""

import json
from pathlib import Path

import pytest
from builders import questions
from jobs import Job

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings

PRICES = (
    "--price_per_million_input_tokens=1000",
    "--price_per_million_cached_input_tokens=0",
    "--price_per_million_output_tokens=1000",
    "--price_per_million_reasoning_tokens=0",
)


def test_summary_run_json_report_and_estimate_show_the_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = SimulatorSettings(cached_share=0.5, reasoning_share=0.9, latency=Latency(completion_tokens=200))
    with start_simulator(settings) as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(20))
        assert job.run(*PRICES, "--report=true") == 0
        reported = capsys.readouterr().out
        stats = simulator.stats()
    record = json.loads((job.work_dir / "run.json").read_text())
    counts = record["verdict"]["splits"]["train"]
    cached, prompt = counts["cached_tokens"], counts["prompt_tokens"]
    assert prompt == stats["prompt_tokens"]
    assert 0 < cached <= prompt / 2
    assert record["metrics"]["cached_tokens"] == cached
    assert counts["reasoning_tokens"] == record["metrics"]["reasoning_tokens"] == 20 * 180
    assert f"tokens      {prompt:,} in ({cached:,} from the cache), 4,000 out (3,600 of reasoning)" in reported
    cost = f"{((prompt - cached) + 400) * 1000 / 1e6:,.2f} USD"
    assert f"cost        {cost}" in reported
    page = (job.work_dir / "report.html").read_text()
    assert f"{cached:,} from the cache" in page
    assert "3,600 of reasoning" in page
    assert cost in page
    assert json.loads((job.work_dir / "timeline" / f"{record['run_id']}.jsonl").read_text().splitlines()[-1])["reasoning_tokens"] == 3600
    assert main(["ledger", str(job.work_dir)]) == 0
    assert f"tokens      {prompt:,} in ({cached:,} from the cache), 4,000 out (3,600 of reasoning)" in capsys.readouterr().out


def test_the_tokens_of_a_shared_answer_are_paid_for_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator() as simulator:
        job = Job(tmp_path, simulator.base_url)
        job.train(questions(1) * 10)
        assert job.run(*PRICES, "--share_identical_answers", "--teacher_model_temperature=0") == 0
        stats = simulator.stats()
    capsys.readouterr()
    assert stats["requests"] == 1
    assert main(["ledger", str(job.work_dir)]) == 0
    assert f"tokens      {stats['prompt_tokens']:,} in, {stats['completion_tokens']:,} out" in capsys.readouterr().out
