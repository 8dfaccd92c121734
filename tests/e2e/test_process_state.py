"""``distill()`` restores the state of its process, however it ends and wherever it is called."""

import asyncio
import gc
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from builders import ROOT
from process_state import differences, process_state, without_imports

from beam_distill.simulator.server import RunningSimulator, start_simulator
from beam_distill.simulator.settings import Latency, SimulatorSettings

ENDINGS = {
    "published": "0",
    "published by processes": "0",
    "below the minimum": "3",
    "refused settings": "SettingsError",
    "refused endpoint": "RunRefused",
    "refused options of Beam's": "RunRefused",
    "interrupted": "KeyboardInterrupt",
}
PLACES = ("the main thread", "another thread", "a running loop")
TEACHERS = (
    SimulatorSettings(),
    SimulatorSettings(latency=Latency("fixed", mean_ms=2_000)),
    SimulatorSettings(faults={"null_content": 1.0}),
)
NEVER_INTERRUPTED = "another thread"  # signals reach the main thread only


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_the_process_is_unchanged(tmp_path: Path, place: str) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    ended = subprocess.run([sys.executable, __file__, place, str(tmp_path)], capture_output=True, text=True, env=environment, timeout=200)
    assert ended.returncode == 0, ended.stderr
    possible = {ending: code for ending, code in ENDINGS.items() if (place, ending) != (NEVER_INTERRUPTED, "interrupted")}
    assert json.loads(ended.stdout.splitlines()[-1]) == {ending: {"ended": code, "changed": {}} for ending, code in possible.items()}


def _runs(folder: Path, interrupt: bool) -> dict[str, Any]:
    """Every way to end, once, in this process and on this thread."""
    rows = folder / "rows.csv"
    chats = "".join(f'"[{{""role"": ""user"", ""content"": ""question {number}""}}]"\n' for number in range(12))
    rows.write_text(f"messages\n{chats}", encoding="utf-8")
    found: dict[str, Any] = {}

    def run(ending: str, url: str, **more: Any) -> None:
        first = not found
        before = process_state()
        try:
            from beam_distill import distill

            ended = str(
                int(
                    distill(
                        data_generation_task_type="CONVERSATION",
                        train_file_path=rows,
                        generated_batch_train_file_path=folder / ending / "train.jsonl",
                        teacher_model_endpoint_url=url,
                        teacher_model_max_new_tokens=64,
                        extra_body={"api_key": "made-up-key-0123456789abcdef"},  # kept in a variable of the process
                        max_worker_count=400,  # more connections than this process may open files
                        report=False,
                        quiet=True,
                        **{"beam_options": {"blob_service_endpoint": "https://made-up.blob.core.windows.net"}, **more},
                    ).exit_code
                )
            )
        except (Exception, KeyboardInterrupt) as error:
            ended = type(error).__name__
        changed = differences(before, _once_threads_have_ended(before))
        if ending == "published by processes":
            changed.pop("threads", None)  # Beam leaves the threads of its connections to them
        if first:
            from quick_beam import keep_what_beam_asks_again

            keep_what_beam_asks_again()  # from the next run on: this one imports Beam
        found[ending] = {"ended": ended, "changed": without_imports(changed) if first else changed}

    with ExitStack() as stack:
        teacher, slow, useless = (stack.enter_context(start_simulator(settings)) for settings in TEACHERS)
        run("published", teacher.base_url)
        run("published by processes", teacher.base_url, max_concurrency_per_instance=2)
        run("below the minimum", useless.base_url)
        run("refused settings", teacher.base_url, min_readable_ratio=7)
        run("refused endpoint", "http://127.0.0.1:9", first_answer_patience=0.2)
        run("refused options of Beam's", teacher.base_url, beam_options={"direct_num_workers": "several"})
        if interrupt:
            threading.Thread(target=_interrupt_when_busy, args=(slow,), daemon=True).start()
            run("interrupted", slow.base_url)
    return found


def _once_threads_have_ended(before: dict[str, Any]) -> dict[str, Any]:
    """The current state; a thread may check for work once more, a few seconds after its run."""
    until_s = time.monotonic() + 10
    while (after := process_state())["threads"] - before["threads"] and time.monotonic() < until_s:
        time.sleep(0.1)
    return after


def _interrupt_when_busy(simulator: RunningSimulator) -> None:
    while simulator.stats()["in_flight"] < 5:
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGINT)


def main(place: str, folder: Path) -> None:
    """All endings in one script; the last line of the output has the result."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    gc.set_threshold(701, 11, 12)
    found: dict[str, Any] = {}
    if place == "the main thread":
        found = _runs(folder, interrupt=True)
    elif place == "another thread":
        thread = threading.Thread(target=lambda: found.update(_runs(folder, interrupt=False)))
        thread.start()
        thread.join()
    else:

        async def program() -> None:
            found.update(_runs(folder, interrupt=True))

        with suppress(KeyboardInterrupt, asyncio.CancelledError):  # asyncio passes the Ctrl-C on once more
            asyncio.run(program())
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
