"""Complete answers, with status 200, that are not what was asked for: the run publishes them and warns."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import chat_line
from jobs import Job
from small_teacher import small_teacher

PLAIN = {"prompt_tokens": 10, "completion_tokens": 2}
LONG = "The river runs past the old mill and under the stone bridge. " * 500

Answer = tuple[str, dict[str, int], dict[str, object]]


def as_another_model(number: int) -> Answer:
    return "4", PLAIN, {"id": f"id-{number}", "model": "big-teacher" if number % 4 else "gpt-4o-mini-2024-07-18"}


def from_a_cut_prompt(number: int) -> Answer:
    return "4", {"prompt_tokens": 2051, "completion_tokens": 2}, {"id": f"id-{number}", "model": "alias"}


def from_a_cache(number: int) -> Answer:
    shown = number if number % 4 else 1
    return str(shown), PLAIN, {"id": f"id-{shown}"}


def with_an_invented_turn(number: int) -> Answer:
    return ("4" if number % 4 else f"4\n\nHuman: What is {number} + 5?\n\nAssistant: {number + 5}"), PLAIN, {"id": f"id-{number}"}


def with_an_error_as_text(number: int) -> Answer:
    said = str(number) if number % 4 else "The service is busy at the moment. Please try again later."
    return said, PLAIN, {"id": f"id-{number}"}


def sound(number: int) -> Answer:
    return str(number), {"prompt_tokens": 7000, "completion_tokens": 2}, {"id": f"id-{number}", "model": "alias"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (as_another_model, "20 of 80 answers say they are from gpt-4o-mini-2024-07-18, 60 from big-teacher"),
        (from_a_cut_prompt, "80 of 80 answers are to prompts that the server seems to have cut"),
        (from_a_cache, "20 of 80 answers have the id and the text of an answer to another request"),
        (with_an_invented_turn, "20 of 80 answers go on with a turn of the user"),
        (with_an_error_as_text, "20 of 80 answers to different prompts are the same text, word for word"),
        (sound, None),
    ],
)
def test_what_the_run_says(answer: Callable[[int], Answer], said: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def of(payload: dict[str, Any]) -> Answer:
        found = re.search(r"case (\d+)", payload["messages"][-1]["content"])
        assert found is not None
        return answer(int(found[1]))

    with small_teacher() as teacher:
        teacher.says = lambda payload: (of(payload)[0], "stop", of(payload)[1])
        teacher.adds = lambda payload: of(payload)[2]
        job = Job(tmp_path, teacher.url, task="CONVERSATION")
        text = LONG if answer in (from_a_cut_prompt, sound) else "Say what it is."
        job.train([chat_line(("user", f"case {number}: {text}"), ("assistant", "4")) for number in range(80)])
        with_report = answer is as_another_model
        assert job.run("--model=big-teacher", f"--report={with_report}") == 0
        first = capsys.readouterr().out
        warnings = json.loads((job.work_dir / "run.json").read_text())["warnings"]
        assert [line for line in first.splitlines() if line.startswith("warning ")] == [f"warning     {warning}" for warning in warnings]
        assert [warning for warning in warnings if said is None or not warning.startswith(said)] == []
        assert len(warnings) == (said is not None)
        if with_report:
            assert said is not None
            assert said in (job.work_dir / "report.html").read_text()
        assert job.run("--model=big-teacher") == 0  # sends nothing, so it has nothing to warn about
        assert "warning " not in capsys.readouterr().out
