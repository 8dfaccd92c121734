"""Input files as users have them, from the command to the dataset."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pytest
from builders import questions, read_jsonl
from jobs import Job
from small_teacher import small_teacher

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator


@pytest.mark.slow
@pytest.mark.fault("N8", "N9", "N12", "D25", "D26")
def test_every_kind_of_file_becomes_a_dataset(tmp_path: Path) -> None:
    table = pa.table({"messages": [[{"role": "user", "content": "What is 5 plus 1?"}]]})
    rows = {
        "prompts.txt": b"What is 1 plus 1?\n\nWhat is 1 plus 2?\n",
        "sharegpt.json": json.dumps([{"conversations": [{"from": "human", "value": "What is 2 plus 1?"}]}]).encode(),
        "alpaca.jsonl": b'{"instruction": "Add.", "input": "3 and 1", "output": "4"}\n',
        "batch.jsonl": b'{"custom_id": "1", "url": "/v1/chat/completions", "body": {"messages": [{"role": "user", "content": "4 + 1?"}]}}\n',
        "odd.jsonl": b'{"score": NaN, "messages": [{"role": "user", "content": "What is 6 plus 1?"}]}\n',
    }
    for name, data in rows.items():
        (tmp_path / name).write_bytes(data)
    with pyarrow.ipc.new_stream(str(tmp_path / "rows.arrow"), table.schema) as writer:
        writer.write_table(table)
    job = Job(tmp_path / "job", task="NLU_QA")
    with start_simulator() as simulator:
        job.url = simulator.base_url
        for name, count in {**dict.fromkeys(rows, 1), "prompts.txt": 2, "rows.arrow": 1}.items():
            job.folder = tmp_path / f"job of {name}"
            job.train(questions(1))
            assert job.run(f"--train_file_path={tmp_path / name}") == 0
            found = read_jsonl(job.train_output)
            assert len(found) == count
            assert all(row["messages"][-1]["role"] == "assistant" for row in found)


@pytest.mark.fault("N16")
def test_exact_repeats_are_reported_by_check_and_by_run(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train([*questions(40), *questions(5), *questions(2)])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert main(["check", *job.arguments()[1:]]) == 0
        assert "7 exact repeats of earlier rows" in capsys.readouterr().out
        assert job.run() == 0
        assert simulator.stats()["requests"] == 47
    assert "7 exact repeats of earlier rows" in capsys.readouterr().out
    assert job.split("train")["repeats"] == 7
    job.train(questions(40))
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert main(["check", *job.arguments()[1:]]) == 0
    assert "repeats" not in capsys.readouterr().out


@pytest.mark.fault("X-C4")
def test_a_csv_with_an_unclosed_quote_is_not_published(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    rows = job.folder / "rows.csv"
    rows.write_text("question,answer\n" + "one,1\n" * 3 + '"two,2\n' + "three,3\n" * 200)
    with start_simulator() as simulator:
        job.url = simulator.base_url
        arguments = (f"--train_file_path={rows}", "--user_template={{question}}")
        assert main(["check", *job.arguments(*arguments)[1:]]) == 2
        shown = capsys.readouterr()
        assert "line 5 is never closed" in shown.out + shown.err
        assert job.run(*arguments) == 3
    assert not job.train_output.exists()
    assert job.rejects()[-1]["reason"] == "unreadable_file"


@pytest.mark.fault("D11", "T5")
def test_a_forbidden_template_is_reported_before_anything_is_sent(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.train([json.dumps({"question": "What is 1 plus 1?", "times": 10**9})])
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--user_template={{question}} {{['a', 'b']|random}}") == 2
        assert "random gives another text each time" in capsys.readouterr().err
        assert job.run("--user_template={{question * times}}") in (2, 3)
        assert simulator.stats()["requests"] == 0
    assert [reject["reason"] for reject in job.rejects()] == ["row_too_large"]


def test_a_list_in_a_csv_cell_is_a_list_for_the_template(job: Job) -> None:
    rows = job.folder / "rows.csv"
    rows.write_text("question,choices\n" + """Which?,"['red volcanoes', 'green', ""it's blue""]"\n""" + "Which?,red; green\n")
    template = "--user_template={{question}}\n{% for c in choices %}- {{c}}\n{% endfor %}"
    job.task = "CONVERSATION"
    with small_teacher("blue") as teacher:
        job.url = teacher.url
        assert job.run(f"--train_file_path={rows}", template, "--min_endpoint_success_ratio=0") == 0
        assert [payload["messages"][-1]["content"] for payload in teacher.payloads] == ["Which?\n- red volcanoes\n- green\n- it's blue\n"]  # type: ignore[index]
    (reject,) = job.rejects()
    assert (reject["line"], reject["reason"]) == (3, "template_failed")
    assert "'choices' is text that is not a list ('red; green'), so going through its items would give single letters" in reject["detail"]
