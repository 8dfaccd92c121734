"""Users' files with the commands of the guide."""

import csv
import gzip
import re
import shlex
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import ROOT, chat_line, questions, read_jsonl

from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import SimulatorSettings


def guides_commands() -> list[list[str]]:
    """The commands of the guide about input files, as a shell would split them."""
    page = (ROOT / "docs" / "guides" / "your_files.md").read_text(encoding="utf-8")
    block = page.split("```")[1].replace("\\\n", " ")
    return [shlex.split(line)[1:] for line in block.splitlines() if line.startswith("beam-distill run")]


def write_files() -> None:
    with open("pairs.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["premise", "hypothesis", "label"])
        writer.writerows([f'A "man", {number},\nsleeps.', "He is awake.", "contradiction"] for number in range(20))
    table = {"question": [f"What is {number} plus 3?" for number in range(20)], "answer": [f"#### {number + 3}" for number in range(20)]}
    pq.write_table(pa.table(table), "questions.parquet")
    Path("rows.jsonl.gz").write_bytes(gzip.compress("".join(f"{line!s}\n" for line in questions(20)).encode()))


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2], ids=["csv", "parquet", "gzip"])
def test_the_guides_commands_run_as_they_are(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_files()
    arguments = guides_commands()[number]
    with start_simulator(SimulatorSettings()) as simulator:
        assert main([re.sub(r"http://localhost:8000/v1", simulator.base_url, argument) for argument in arguments]) == 0
    assert len(read_jsonl("out/train.jsonl")) == 20
    references = [record["reference_answer"] for path in Path("out").rglob("ledger/*.avro") for record in fastavro.reader(path.open("rb"))]
    assert sorted(set(references), key=str)[0] == {0: "contradiction", 1: "#### 10", 2: None}[number]
    system = [message for message in read_jsonl("out/train.jsonl")[0]["messages"] if message["role"] == "system"]
    assert bool(system) is (number != 1)


def test_a_template_that_names_a_missing_column_sends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files()
    arguments = [argument.replace("{{question}}", "{{querstion}}") for argument in guides_commands()[1]]
    with start_simulator(SimulatorSettings()) as simulator:
        assert main([argument.replace("http://localhost:8000/v1", simulator.base_url) for argument in arguments]) == 2
        assert simulator.stats()["requests"] == 0
    assert "user_template names querstion, which is not there; the columns are: question, answer" in capsys.readouterr().err


@pytest.mark.slow
def test_a_truncated_file_publishes_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files()
    rows = [chat_line(("user", "Say A. " + "".join(f"{number * place:x}" for place in range(999, 1060)))) for number in range(1, 2500)]
    Path("rows.jsonl.gz").write_bytes(gzip.compress("\n".join(rows).encode())[:-8])
    with start_simulator(SimulatorSettings()) as simulator:
        assert main([argument.replace("http://localhost:8000/v1", simulator.base_url) for argument in guides_commands()[2]]) == 3
    assert not Path("out/train.jsonl").exists()
    (reject,) = read_jsonl("out/train.beam_distill/rejects.jsonl")
    assert reject["reason"] == "unreadable_file"
    assert "gz file breaks off" in reject["detail"]
    assert "part of the input could not be read" in capsys.readouterr().out
