"""Rows in, two datasets out: every task, without and with faults; no row is lost."""

import json
from collections import Counter
from pathlib import Path

import fastavro
import pytest
from builders import ROOT, SHARED_DATA, chat_line, questions, read_jsonl
from jobs import Job

from beam_distill.simulator.answers import known_answers
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings, mixed_faults
from transforms.elements.tasks import CONDENSED, REASONED, TaskType

TASKS: list[tuple[str, tuple[str, ...]]] = [
    *((task.value.lower(), ()) for task in TaskType),
    *((task.value.lower(), ("--enable_chain_of_thought",)) for task in REASONED),
    *((task.value.lower(), ("--enable_chain_of_density",)) for task in CONDENSED),
]
IDS = ["-".join((task, *(flag[9:] for flag in flags))) for task, flags in TASKS]


def run_task(folder: Path, data: Path, task: str, flags: tuple[str, ...], faults: float) -> Job:
    train = data / task / "train.jsonl"
    job = Job(folder, task=task)
    job.train(train.read_bytes().splitlines() if train.exists() else [])
    job.validation((data / task / "validation.jsonl").read_bytes().splitlines())
    if not train.exists():
        job.train((data / task / "validation.jsonl").read_bytes().splitlines()[:50])
    with start_simulator(SimulatorSettings(faults=mixed_faults(faults) if faults else {}, seed=5)) as simulator:
        job.url = simulator.base_url
        assert job.run("--min_endpoint_success_ratio=0.5") == 0
    return job


def check_sums(job: Job) -> None:
    rejects = Counter(reject["split"] for reject in job.rejects())
    for split, source, output in (
        ("train", "train.jsonl", job.train_output),
        ("validation", "validation.jsonl", job.validation_output),
    ):
        lines = [line for line in (job.folder / source).read_bytes().splitlines() if line.strip()]
        counts = job.split(split)
        examples = read_jsonl(output)
        assert counts["rows"] == len(lines) == len(examples) + rejects[split]
        assert (counts["examples"], counts["rejects"]) == (len(examples), rejects[split])


@pytest.mark.parametrize("task", TaskType, ids=lambda task: task.value)
@pytest.mark.parametrize("split", ["train", "validation"])
def test_every_task_has_examples_for_the_demo(task: TaskType, split: str) -> None:
    path = ROOT / "examples" / task.value.lower() / f"{split}.jsonl"
    assert path.is_file(), "write some rows with their answers: the demo and the tests of whole jobs run them"
    assert known_answers(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize(("task", "flags"), TASKS, ids=IDS)
@pytest.mark.parametrize("faults", [0.0, 0.1], ids=["clean", "faulty"])
def test_every_task_on_our_examples(tmp_path: Path, task: str, flags: tuple[str, ...], faults: float) -> None:
    job = run_task(tmp_path, ROOT / "examples", task, flags, faults)
    check_sums(job)
    if not faults:
        assert job.rejects() == []
    originals = read_jsonl(job.folder / "train.jsonl")
    examples = read_jsonl(job.train_output)
    if not faults:
        for original, example in zip(originals, examples, strict=True):
            own, made = original["messages"], example["messages"]
            assert [message for message in made if message["role"] != "assistant"] == [
                message for message in own if message["role"] != "assistant"
            ]
            assert made[-1]["role"] == "assistant"
            assert made[-1]["content"]


@pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="TEST_DATA_DIR names no folder of real data")
@pytest.mark.parametrize(("task", "flags"), [given for given in TASKS if (SHARED_DATA / given[0]).is_dir()])
@pytest.mark.parametrize("faults", [0.0, 0.1], ids=["clean", "faulty"])
def test_every_task_on_real_rows(tmp_path: Path, task: str, flags: tuple[str, ...], faults: float) -> None:
    job = run_task(tmp_path, SHARED_DATA, task, flags, faults)
    check_sums(job)
    if not faults:
        assert job.rejects() == []
    if task == "math" and not faults:
        users = Counter(example["messages"][1]["content"] for example in read_jsonl(job.train_output))
        assert sum(count - 1 for count in users.values()) == 9


def test_rows_that_share_a_question_keep_their_own_system_message(job: Job) -> None:
    lines = [chat_line(("system", f"Answer {name}, numerical answer only."), ("user", "What is 2 plus 2?")) for name in "ABA"]
    job.train(lines)
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--enable_chain_of_thought") == 0
    systems = [example["messages"][0]["content"][7] for example in read_jsonl(job.train_output)]
    assert systems == ["A", "B", "A"]


def test_output_is_in_input_order_and_escaped_on_request(job: Job) -> None:
    job.train([chat_line(("user", f"Sag caf\u00e9 {number}")) for number in range(200)])
    job.task = "CONVERSATION"
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
        plain = job.train_output.read_text(encoding="utf-8")
        assert [example["messages"][0]["content"].split()[-1] for example in read_jsonl(job.train_output)] == [str(n) for n in range(200)]
        assert "caf\u00e9" in plain
        assert job.run("--ensure_ascii") == 0
        assert simulator.stats()["answered"] == 200
    assert "caf\\u00e9" in job.train_output.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_rerun_sends_only_what_has_no_answer(job: Job) -> None:
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--limit=10") == 0
        assert simulator.stats()["requests"] == 10
        assert job.run() == 0
        assert simulator.stats()["requests"] == 40
        before = job.datasets()
        assert job.run("--min_endpoint_success_ratio=0.9") == 0  # a changed gate sends nothing
        assert simulator.stats()["requests"] == 40
        assert job.datasets() == before
        job.train(questions(5, start=100) + questions(40))  # new rows in front: only they are sent
        assert job.run() == 0
        assert simulator.stats()["requests"] == 45
        assert job.run("--teacher_model_temperature=0.7") == 0  # other answers: all are sent
        assert simulator.stats()["requests"] == 90
        assert job.run() == 0  # and the old ones are still there
        assert simulator.stats()["requests"] == 90
        assert simulator.stats()["repeats"] == 0
        assert job.record()["metrics"]["answers_reused"] == 45
        assert job.run("--model=another-model", "--limit=20") == 0  # another teacher, another prompt: all are sent again
        assert job.run("--enable_chain_of_thought", "--limit=20") == 0
        assert simulator.stats()["requests"] == 130


def test_a_rerun_with_every_answer_needs_no_endpoint(job: Job) -> None:
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--model=m") == 0
    before = job.datasets()
    assert job.run("--model=m") == 0
    assert job.datasets() == before


def test_the_ledger_holds_whole_answers_and_old_labels(job: Job) -> None:
    job.train([chat_line(("system", "numerical answer"), ("user", "What is 1 plus 2?"), ("assistant", "three"))])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
    (segment,) = (job.work_dir / "ledger").glob("*.avro")
    with open(segment, "rb") as file:
        (record,) = fastavro.reader(file)
    assert record["reference_answer"] == "three"
    assert json.loads(record["response"])["object"] == "chat.completion"
    assert json.loads(record["payload"])["max_tokens"] == 512
    assert (record["split"], record["line"], record["turn"], record["attempts"]) == ("train", 1, 0, 1)


def test_a_validation_output_without_input_is_an_empty_file(job: Job) -> None:
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run(f"--generated_batch_validation_file_path={job.validation_output}") == 0
    assert job.validation_output.read_bytes() == b""


def test_max_completion_tokens_is_learned_once(job: Job) -> None:
    with start_simulator(SimulatorSettings(requires_max_completion_tokens=True)) as simulator:
        job.url = simulator.base_url
        assert job.run("--max_worker_count=5") == 0
        stats = simulator.stats()
    assert stats["answered"] == 40
    assert stats["by_status"]["400"] <= 5  # as many as were on the wire when the first was refused
    assert job.rejects() == []


def test_many_cut_off_answers_are_reported_at_once(job: Job) -> None:
    job.train(questions(80))
    with start_simulator(SimulatorSettings(faults={"length": 0.5})) as simulator:
        job.url = simulator.base_url
        process = job.start()
        output, _ = process.communicate(timeout=300)
    assert "of the first 50 answers are cut off by length below teacher_model_max_new_tokens (512)" in output


def test_counters_and_summary_agree(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with start_simulator(SimulatorSettings(faults={"429": 0.1, "500": 0.1, "null_content": 0.1})) as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
        stats = simulator.stats()
    metrics, counts = job.record()["metrics"], job.split("train")
    assert metrics["requests_sent"] == stats["requests"] == counts["requests_sent"]
    assert metrics["requests_answered"] == stats["answered"] == 40
    assert metrics["requests_throttled"] == metrics["requests_failed_throttled"] == stats["by_status"].get("429", 0)
    assert metrics["prompt_tokens"] == stats["prompt_tokens"]
    assert metrics["train_rows_read"] == 40
    assert metrics["rows_rejected_empty_answer"] == counts["rejected_by_reason"]["empty_answer"] == counts["rejects"]
    assert metrics["latency_ms"]["count"] == 40
    printed = capsys.readouterr().out
    assert f"train: 40 rows in = {counts['examples']} examples + {counts['rejects']} reject" in printed
    assert str(job.train_output) in printed


@pytest.mark.slow
def test_batches_larger_than_the_backlog_do_not_stop_the_reader(job: Job) -> None:
    job.train(questions(5000))
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
        assert simulator.stats()["answered"] == 5000


@pytest.mark.slow
def test_two_scoring_processes_give_the_same_bytes(job: Job) -> None:
    job.train(questions(300))
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run() == 0
        one = job.datasets()
        assert job.run("--max_concurrency_per_instance=2", f"--work_dir={job.folder / 'two'}") == 0
        assert simulator.stats()["requests"] == 600
    assert job.datasets() == one
    assert len(list((job.folder / "two" / "ledger").glob("*.avro"))) == 2
