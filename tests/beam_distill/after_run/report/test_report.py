"""The report: safe against the texts of rows and answers, complete, and repeatable from the work_dir."""

import json
import re
import shutil
import tracemalloc
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from builders import chat_line, questions
from jobs import Job

from beam_distill.after_run.report.counting import FixedSample, LogHistogram, Tally, TimeBins
from beam_distill.after_run.report.ledger_facts import gather
from beam_distill.after_run.report.sentences import sentence
from beam_distill.cli.main import main
from beam_distill.simulator.server import start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings
from transforms.elements.reasons import REASONS
from transforms.elements.replies import LedgerRecord
from transforms.elements.tasks import TaskType
from transforms.ledger.avro_schema import LEDGER_SCHEMA, as_datum
from transforms.ledger.segments import SegmentWriter
from transforms.prompts.spec import PromptSpec

HEADERS = '--additional_headers={"X-Team": "do-not-show-me"}'
HOSTILE = '</pre></details><script>alert("x")</script><img src=x onerror=alert(1)>{{ 7*7 }} $\\frac$ \x07 & "quoted"'


class Page(HTMLParser):
    """Tags, their attributes, and ids of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(attrs)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Job:
    job = Job(tmp_path_factory.mktemp("report"), task="NLI")
    rows: list[str | bytes] = [
        chat_line(("system", "Answer only with 'entailment', 'neutral' or 'contradiction'."), ("user", f"{HOSTILE} {number}"))
        for number in range(60)
    ]
    job.train([*rows, "{broken <b>line</b>"])
    job.validation(questions(5))
    settings = SimulatorSettings(faults={"null_content": 0.1, "length": 0.1, "503": 0.1}, seed=3, latency=Latency("fixed", 400.0))
    with start_simulator(settings) as simulator:
        job.url = simulator.base_url
        assert job.run("--report=true", "--max_worker_count=10", "--price_per_million_input_tokens=2", HEADERS) in (0, 3)
    return job


def test_a_run_ends_with_its_report(finished: Job) -> None:
    text = (finished.work_dir / "report.html").read_text(encoding="utf-8")
    verdict = finished.record()["verdict"]["splits"]["train"]
    assert f'<td class="n" data-name="examples">{verdict["examples"]}</td>' in text
    for reason in verdict["rejected_by_reason"]:
        assert reason in text
        assert REASONS[reason].explanation[:20].split("'")[0] in text
    for title in ("Pace", "Latency", "Tokens", "Answers given", "A sample of answers", "A sample of rejects", "Settings"):
        assert f">{title}<" in text
    assert "USD" in text
    assert "cost (input tokens only)</th>" in text
    assert "simulated-teacher" in text


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Numbers that the simulated teacher gets right or wrong, each beside its label, and unreadable lines."""
    job = Job(tmp_path_factory.mktemp("labels"))
    sums = [chat_line(("user", f"What is {number} plus 3?"), ("assistant", str(number + 3))) for number in range(30)]
    job.train([*sums, "{broken", "{}"])
    with start_simulator(SimulatorSettings(faults={"null_content": 0.2}, seed=3)) as simulator:
        job.url = simulator.base_url
        assert job.run("--report=true", "--min_endpoint_success_ratio=0.1") == 0
    return job


@pytest.mark.slow
@pytest.mark.fault("N3", "N17", "N22")
def test_the_report_says_first_where_the_files_are_how_many_and_how_right(labelled: Job) -> None:
    text = (labelled.work_dir / "report.html").read_text(encoding="utf-8")
    head = text[: text.index("</header>")]
    for path in (labelled.train_output, labelled.work_dir / "rejects.jsonl", labelled.work_dir, labelled.folder / "train.jsonl"):
        assert f"<code>{path}</code>" in head
    assert "agree with their label" in head
    assert re.search(r"<dd>\d+\.\d%</dd><dd class=\"remark\">of \d+ answers</dd>", head)
    assert "Asked with temperature 0.2, top_p 0.1, at most 512 tokens an answer." in head
    assert "Warning: train: 2 of 32 rows" in head
    assert "<h1>MATH: train.jsonl</h1>" in head
    assert "Answers that differ from their label" in text
    assert ", label " in text
    assert f"beam-distill retry {labelled.work_dir} --reason empty_answer" in text


@pytest.mark.slow
@pytest.mark.fault("N3")
def test_how_many_answers_are_the_label_is_in_summary_and_ledger(labelled: Job, capsys: pytest.CaptureFixture[str]) -> None:
    said = re.compile(r"labels +\d+\.\d% of the \d+ answers to rows with a label agree with it")
    with start_simulator() as simulator:
        labelled.url = simulator.base_url
        assert labelled.run("--report=true", "--min_endpoint_success_ratio=0.1") == 0
    assert said.search(capsys.readouterr().out)
    assert main(["ledger", str(labelled.work_dir)]) == 0
    assert said.search(capsys.readouterr().out)


@pytest.mark.fault("N17")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("every dataset is published", "Every dataset is published"),
        ("http://localhost:8000/v1 answered status 404", "http://localhost:8000/v1 answered status 404"),
        ("train.jsonl is empty", "train.jsonl is empty"),
        ("min_endpoint_success_ratio is 0.7", "min_endpoint_success_ratio is 0.7"),
    ],
)
def test_only_words_are_raised_at_the_beginning_of_a_sentence(text: str, shown: str) -> None:
    assert sentence(text) == shown


def test_a_report_says_what_its_prices_leave_out(finished: Job, tmp_path: Path) -> None:
    made = tmp_path / "report.html"
    flags = ("--price_per_million_output_tokens=3", "--price_per_million_input_tokens=0")
    for given, remark in (((flags[0],), "output tokens only"), (flags, None)):
        assert main(["report", str(finished.work_dir), f"--output={made}", *given]) == 0
        text = made.read_text(encoding="utf-8")
        assert ("tokens only" in text) is (remark is not None)
        assert (remark or "cost</th>") in text


def test_nothing_that_rows_or_answers_hold_becomes_markup(finished: Job) -> None:
    text = (finished.work_dir / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "&lt;script&gt;" in text
    assert "{{ 7*7 }}" in text
    assert "default-src 'none'" in text
    assert not [value for name, value in page.attributes if name in ("src", "href") and not (value or "").startswith("#")]
    assert "do-not-show-me" not in text


def test_pictures_have_a_text_and_take_the_page_colour(finished: Job) -> None:
    text = (finished.work_dir / "report.html").read_text(encoding="utf-8")
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    pictures = re.findall(r'<svg class="chart" role="img".*?</svg>', text, re.S)
    assert len(pictures) >= 5
    for picture in pictures:
        assert re.search(r"<title [^>]*>[^<]+</title><desc [^>]*>[^<]+</desc>", picture)
        assert "currentColor" in picture
        assert "#010203" not in picture
        assert "#000000" not in picture


def test_it_is_made_again_from_ledger_and_run_json_alone(finished: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copytree(finished.work_dir / "ledger", copy / "ledger")
    shutil.copy(finished.work_dir / "run.json", copy)
    assert main(["report", str(copy), f"--output={tmp_path / 'other.html'}"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "other.html")
    text = (tmp_path / "other.html").read_text(encoding="utf-8")
    assert ">Latency<" in text
    assert ">Pace<" in text
    assert "A sample of answers" in text
    # unusable answers are on the ledger too; values that only the timeline has are shown as missing
    assert "A sample of rejects" in text
    assert "No timeline of this run" in text
    assert "No timeline of this run" not in (finished.work_dir / "report.html").read_text(encoding="utf-8")


def test_while_a_run_goes_on_it_shows_its_progress(finished: Job, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.work_dir, copy)
    (copy / "run.json").unlink()
    (segment,) = (copy / "ledger").glob("*.avro")
    segment.write_bytes(segment.read_bytes()[:-30])
    assert main(["report", str(copy)]) == 0
    text = (copy / "report.html").read_text(encoding="utf-8")
    assert "Not finished" in text
    assert "rows done" in text
    assert "The next run sends the lost requests again." in text


@pytest.mark.fault("X-D")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.json", ""),
        ("run.json", '{"run_id": 7, "endpoint": [1], "settings": {"max_len_summary": [1], "price_per_million_output_tokens": "x"}}'),
        ("run.json", '{"origins": "x", "settings": [], "verdict": 3, "metrics": [1], "warnings": "x", "started": 5}'),
        ("started.json", "\ufffe{"),
        ("rejects.jsonl", '[1]\nnull\n{"reason": 5, "line": "x", "split": []}\n{"reason'),
        ("timeline", '[1]\n{"at_s": "x"}\n{'),
    ],
)
def test_damaged_files_of_a_run_cost_what_they_say_and_nothing_else(finished: Job, tmp_path: Path, name: str, content: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.work_dir, copy)
    path = next((copy / "timeline").iterdir()) if name == "timeline" else copy / name
    path.write_text(content, encoding="utf-8", errors="replace")
    assert main(["report", str(copy)]) == 0
    assert main(["ledger", str(copy)]) == 0


@pytest.mark.fault("X-D")
def test_a_record_of_a_year_beyond_9999_is_reported(finished: Job, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.work_dir, copy)
    writer = SegmentWriter(str(copy / "ledger"), "run-9", LEDGER_SCHEMA)
    record = LedgerRecord("run-9", "train", "row", "rows.jsonl", 1, 0, "h", "m", "{}", None, 200, "{}", "stop", 1, 1, 1, 1.0, 10**18, 2**63 - 1)
    writer.append([as_datum(record)])
    writer.close()
    assert main(["report", str(copy)]) == 0
    assert main(["ledger", str(copy)]) == 0


@pytest.mark.parametrize(("make", "said"), [(False, "is not a directory"), (True, "neither run.json nor a ledger")])
def test_a_folder_without_a_run_says_so(tmp_path: Path, make: bool, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "nothing"
    if make:
        folder.mkdir()
    assert main(["report", str(folder)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_a_report_that_fails_is_a_warning(job_that_cannot_report: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert job_that_cannot_report.run("--report=true") == 0
    shown = capsys.readouterr()
    assert "the report could not be written" in shown.err
    assert "beam-distill report" in shown.err
    assert "report      " not in shown.out


def test_a_module_of_the_working_directory_is_not_the_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "random.py").write_text("raise SystemExit('not the module that was meant')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    job = Job(tmp_path)
    job.train(questions(3))
    with start_simulator() as simulator:
        job.url = simulator.base_url
        assert job.run("--report=true") == 0
    assert (job.work_dir / "report.html").exists()


@pytest.fixture
def job_that_cannot_report(tmp_path: Path) -> Iterator[Job]:
    job = Job(tmp_path)
    job.train(questions(3))
    (job.work_dir / "report.html.partial").mkdir(parents=True)
    with start_simulator() as simulator:
        job.url = simulator.base_url
        yield job


@pytest.mark.slow
def test_memory_does_not_grow_with_the_ledger(tmp_path: Path) -> None:
    def peak_of(count: int) -> int:
        folder = tmp_path / str(count)
        writer = SegmentWriter(str(folder), "run-1", LEDGER_SCHEMA)
        for start in range(0, count, 100):
            writer.append([a_record(number) for number in range(start, start + 100)])
        writer.close()
        tracemalloc.start()
        facts = gather(str(folder), PromptSpec(TaskType.MATH), "run-1")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert facts.answers == count
        return peak

    peak_of(100)
    # of a record of 1.4 KB the index holds 16 bytes, and some more while it is made
    assert peak_of(4000) < 1.5 * peak_of(1000) + 200_000 + 3000 * 48


def test_answers_of_earlier_runs_are_not_judged(tmp_path: Path) -> None:
    for run, count in (("run-1", 10), ("run-2", 4)):
        writer = SegmentWriter(str(tmp_path), run, LEDGER_SCHEMA)
        writer.append([{**a_record(number), "run_id": run} for number in range(count)])
        writer.close()
    facts = gather(str(tmp_path), PromptSpec(TaskType.MATH), "run-2")
    assert (facts.answers, facts.superseded, facts.labels.total, facts.agreement.total, facts.agreement.same) == (14, 4, 10, 10, 1)
    assert facts.runs["run-1"].answers == 10
    assert len(facts.examples.values()) == 10
    assert sum(record["run_id"] == "run-2" for record, _ in facts.examples.values()) == 4


def a_record(number: int) -> dict[str, object]:
    response = json.dumps({"choices": [{"message": {"content": str(number % 50)}, "finish_reason": "stop"}], "padding": "x" * 1000})
    payload = json.dumps({"messages": [{"role": "user", "content": f"What is {number}?"}]})
    sent = 1_700_000_000_000 + 20 * number
    return as_datum(
        LedgerRecord(
            "run-1", "train", f"row-{number}", "f", 1, 0, "h", "m", payload, "7", 200, response, "stop", 10, 2, 1, 55.0, sent, sent + 55
        )
    )


@pytest.mark.parametrize(("values", "half"), [([30.0], 30.0), ([30.0, 31.0], 30.5), ([30.0] * 9 + [900.0], 30.0), ([], 0.0)])
def test_a_quantile_lies_among_the_values(values: list[float], half: float) -> None:
    histogram = LogHistogram()
    for value in values:
        histogram.add(value)
    assert histogram.quantile(0.5) == half


def test_a_histogram_gives_quantiles_to_within_a_bin() -> None:
    histogram = LogHistogram()
    for value in range(1, 10_001):
        histogram.add(value)
    assert 4900 < histogram.quantile(0.5) < 5100
    assert 9400 < histogram.quantile(0.95) < 9600
    assert histogram.mean == 5000.5
    edges, counts = histogram.bars()
    assert len(edges) == len(counts) + 1
    assert sum(counts) == 10_000


def test_time_bins_double_and_lose_nothing() -> None:
    bins = TimeBins(most=60)
    for second in range(10_000):
        bins.add(1_700_000_000 + second)
    steps = list(bins.steps())
    assert len(steps) <= 60
    assert sum(amount for _, amount in steps) == 10_000
    assert bins.step_s in (256.0, 512.0)


def test_a_tally_is_bounded() -> None:
    tally = Tally(most=3)
    for text in "abcabcdea":
        tally.add(text)
    assert tally.top(2) == [("a", 3), ("b", 2)]
    assert tally.others == 2
    assert tally.total == 9


def test_a_sample_does_not_depend_on_the_order() -> None:
    first: FixedSample[int] = FixedSample(5)
    second: FixedSample[int] = FixedSample(5)
    for number in range(100):
        first.offer(f"key-{number}", number)
        second.offer(f"key-{99 - number}", 99 - number)
    assert first.values() == second.values()
    assert len(first.values()) == 5
    (kept, *_) = first.values()
    first.offer(f"key-{kept}", -1)
    assert -1 in first.values()
    assert len(first.values()) == 5


def test_prices_are_checked_like_their_declaration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ledger").mkdir()
    assert main(["report", str(tmp_path), "--price_per_million_input_tokens=-1"]) == 2
    assert "price_per_million_input_tokens (flag) is '-1': expected at least 0" in capsys.readouterr().err
    assert main(["report", str(tmp_path), "--price-per-million-input-tokens", "cheap"]) == 2
