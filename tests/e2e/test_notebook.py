"""The notebook of examples/ in a real kernel: the output of its cells, and what a notebook's own commands leave in it."""

import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from builders import ROOT
from nbclient import NotebookClient

NO_PANDAS = "import sys; sys.modules['pandas'] = None"
LOADED = "print(sorted(name for name in sys.modules if name.startswith('apache_beam.runners.interactive')))"


def executed(folder: Path, notebook: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The cells with their output, after a kernel of this Python has run them in ``folder``. Raises the error of a cell."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    client = NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return list(client.execute().cells)


@pytest.mark.slow
@pytest.mark.fault("N1", "N7", "D7")
def test_the_example_runs_and_shows_progress_result_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(ROOT / "examples" / "notebook.ipynb", as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(NO_PANDAS))
    notebook.cells.append(nbformat.v4.new_code_cell(LOADED))
    cells = [cell for cell in executed(tmp_path, notebook, monkeypatch) if cell.cell_type == "code"]
    (run,) = (cell for cell in cells if "result = distill(" in cell.source)
    progress, result = run.outputs
    assert "12 of 12" in progress["data"]["text/html"]
    assert "12 of 12" in progress["data"]["text/plain"]
    assert "notebook-output/train.jsonl" in result["data"]["text/plain"]
    assert "12 rows in = 12 examples" in result["data"]["text/html"]
    (answers,) = (cell for cell in cells if cell.source.startswith("[json.loads"))
    assert answers.outputs[0]["data"]["text/plain"].count("'") == 24
    (again,) = (cell for cell in cells if "to_thread" in cell.source)
    assert "12 questions were answered in all" in again.outputs[0]["text"]
    assert '"instruction"' in again.outputs[0]["text"]
    assert cells[-1].outputs[0]["text"].strip() == "[]"
    shown = json.dumps([cell.outputs for cell in cells])
    assert "<script" not in shown
    assert "://" not in shown.replace("http://127.0.0.1", "")
    assert "stderr" not in shown


@pytest.mark.slow
@pytest.mark.fault("N33")
def test_a_command_in_a_cell_leaves_no_frames_in_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (
        "from beam_distill.simulator.server import start_simulator\n"
        "from beam_distill.simulator.settings import Latency, SimulatorSettings\n"
        "with start_simulator(SimulatorSettings(latency=Latency('fixed', mean_ms=1500))) as teacher:\n"
        f"    !{sys.executable} -m beam_distill run --task math --train {ROOT}/examples/math/train.jsonl --train_output out/train.jsonl "
        "--max_tokens 64 --report false --endpoint {teacher.base_url}"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    (cell,) = executed(tmp_path, notebook, monkeypatch)
    text = "".join(output["text"] for output in cell.outputs)
    assert "14 rows in = 14 examples" in text
    assert "\x1b" not in text
    assert "━" not in text
