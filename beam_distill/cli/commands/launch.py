"""``beam-distill launch``: render, submit, follow, and return the verdict as exit code."""

from __future__ import annotations

import argparse
import dataclasses
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from beam_distill.after_run.result import summary_text
from beam_distill.cli.command import Call, Command, Takes
from beam_distill.cli.do_job import do_job
from beam_distill.cli.target_files import declare_target, refuse, render_files
from beam_distill.config.errors import SettingsError
from beam_distill.config.sources import ENVIRONMENT_PREFIX, ResolvedSettings, resolve, setting_names
from beam_distill.config.suggestions import nearest
from beam_distill.deployment.targets import TARGETS
from beam_distill.exit_codes import ExitCode

LAUNCHED = {
    "flink-rest": "the portable jar through Flink's REST interface",
    "spark-submit": "the portable jar by spark-submit",
    "job-server": "Beam's job server at the job's master",
}


def declare(parser: argparse.ArgumentParser, show_all: bool) -> None:
    """Declare the flags."""
    declare_target(parser, LAUNCHED)


def run(call: Call) -> int:
    """Launch the target. Raises SettingsError or RunRefused."""
    refuse(call.leftovers)
    namespace = call.namespace
    target = namespace.target
    if target not in LAUNCHED:
        if target in TARGETS:
            folder = namespace.folder or f"beam-distill-{target}"
            step = TARGETS[target].next_for(folder)
            raise SettingsError([f"{target} is not submitted from here: beam-distill render {target} writes its files; then {step}"])
        raise SettingsError([f"{target}: no such target{nearest(target, LAUNCHED)}; there are {', '.join(LAUNCHED)}"])
    if target == "job-server":
        return _through_job_server(call)
    folder, rendered, resolved = render_files(call)
    if target == "spark-submit":
        return run_script(Path(folder) / "submit.sh")
    return _through_flink_rest(resolved, rendered.values)


def run_script(path: Path) -> int:
    """Run a rendered script as CI would, with the commands of this installation first on its path. Returns its exit code.

    Ctrl-C, SIGTERM and SIGHUP are passed to all processes that it started, and we wait for their end; a second one kills them. The exit code
    is then 130.
    """
    ours = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    interrupted = 0
    process: subprocess.Popen[bytes] | None = None

    def hand_on() -> None:
        if process is not None and interrupted:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT if interrupted == 1 else signal.SIGKILL)

    def on_signal(number: int, frame: object) -> None:
        nonlocal interrupted
        interrupted += 1
        hand_on()

    # ignored signals stay ignored (nohup)
    handed_on = [number for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, on_signal) for number in handed_on}
    try:
        # a separate process group: a signal to this command alone reaches it too, one from the terminal only once
        process = subprocess.Popen(["bash", str(path)], env={**os.environ, "PATH": ours}, start_new_session=True)
        hand_on()  # a signal that came before the process started
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:
        print(
            f"interrupted: {path} has ended, and what it started. "
            "Every received answer is on the ledger: run the same command again to continue.",
            file=sys.stderr,
        )
    return code if code >= 0 and not interrupted else int(ExitCode.INTERRUPTED)


def _with(resolved: ResolvedSettings, **changes: str) -> ResolvedSettings:
    """The settings with these inputs set as if by flags."""
    given = {name: getattr(resolved.settings, name) for name in resolved.origins} | changes
    settings = resolve(given, None, {}).settings
    return dataclasses.replace(resolved, settings=settings, origins=resolved.origins | dict.fromkeys(changes, "launch"))


def _through_flink_rest(resolved: ResolvedSettings, values: dict[str, Any]) -> int:
    # late: keeps Beam and requests out of the start
    from beam_distill.submit.follow import follow
    from beam_distill.submit.submit_jar import submit_to_flink

    resolved = _with(resolved, runner="flink", master=str(values["master"]))
    submission = submit_to_flink(resolved, jar=values["jar"])
    job_id, url = submission.job_id, submission.master
    print(f"Flink runs the job as {job_id}: {url}/#/job/{job_id}/overview", file=sys.stderr)
    try:
        result = follow(resolved, submission, every_s=float(values["look_every_s"]))
    except KeyboardInterrupt:
        print(
            f"the job continues; beam-distill status shows its state, and curl -X PATCH '{url}/jobs/{job_id}?mode=cancel' ends it",
            file=sys.stderr,
        )
        return int(ExitCode.INTERRUPTED)
    print(summary_text(result))
    return int(result.exit_code)


def _through_job_server(call: Call) -> int:
    namespace = call.namespace
    if namespace.config is None:
        raise SettingsError(["--config: missing; name the YAML or JSON file of the job's inputs"])
    inputs: dict[str, Any] = {}
    problems = []
    for text in namespace.assignments:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            problems.append(f"--set {text}: expected name=value")
        elif name not in setting_names():
            problems.append(f"--set {name}: the job has no such input{nearest(name, setting_names())}")
        inputs[name] = value
    if problems:
        raise SettingsError(problems)
    environment = {name: value for name, value in call.environ.items() if name.startswith(ENVIRONMENT_PREFIX)}
    return do_job(resolve(inputs | {"runner": "portable"}, namespace.config, environment), [])


COMMAND = Command("launch", "render a job, submit it, follow it, and exit with its verdict", Takes.NOTHING, declare, run)
