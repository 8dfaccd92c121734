"""Checks of a run's paths: inputs that cannot be read twice, outputs that cannot be written, files that would collide."""

from __future__ import annotations

import os
import pwd
import shlex
import tempfile
from contextlib import closing
from pathlib import Path

from beam_distill.config.settings import DistillSettings
from beam_distill.job.handoff_folder import handoff_folder
from transforms.elements.data_specs import InputSpec
from transforms.files.dataset_folder import folder_problem
from transforms.files.matching import cannot_be_read_twice, is_pattern, matches, matching_files
from transforms.files.paths import is_remote, real, working_directory
from transforms.files.shards import shard_path
from transforms.files.stored import open_as_stored

LONGEST_NAME_BYTES = 255
OF_THE_RUN = frozenset(
    {
        "ledger", "failures", "staging", "previous", "lock", "lock.json", "run.json", "started.json", "published.json", "rejects.jsonl",
        "report.html", "timeline", "submission.json", "bad_lines.jsonl",
    }
)  # fmt: skip
"""Names of a run's files in its work_dir."""
_FOLDERS_OF_THE_RUN = ("ledger", "failures", "timeline", "spending", "previous", "staging")


def path_problems(settings: DistillSettings, spec: InputSpec) -> list[str]:
    """Every problem with inputs, outputs and work_dir, with the name of its setting."""
    problems: list[str] = []
    for files in spec.splits:
        name = "train_file_path" if files.split.value == "train" else "validation_file_path"
        if files.pattern is not None:
            problems.extend(f"{name}: {problem}" for problem in _input_problems(files.pattern))
    for name, output in settings.outputs.items():
        problem = _output_problem(output) or _in_work_dir(output, settings.resolved_work_dir)
        if problem:
            problems.append(f"{name}: {problem}")
    if settings.decontaminate_against is not None:
        problems.extend(f"decontaminate_against: {problem}" for problem in _input_problems(settings.decontaminate_against))
    handoff = handoff_folder(settings.generated_batch_train_file_path)
    if not problems and not is_remote(handoff) and len(os.fsencode(os.path.basename(handoff))) > LONGEST_NAME_BYTES:
        problems.append(f"generated_batch_train_file_path: {handoff}, where files for the training go, has more than 255 bytes in its name")
    problem = _work_dir_problem(settings.resolved_work_dir)
    if problem and not problems:
        problems.append(f"work_dir: {problem}")
    problem = _temporary_problem()
    if problem:
        problems.append(problem)
    return problems or _meeting(settings, spec)


def _temporary_problem() -> str | None:
    """The problem with the folders for temporary files, if any: Beam writes a few bytes to one of them."""
    try:
        tempfile.gettempdir()
    except FileNotFoundError as error:
        return (
            f"no folder for temporary files can be written ({error.strerror}), as in a container whose own disk is read-only or full: set the "
            "environment variable TMPDIR to a folder that can"
        )
    return None


def _input_problems(pattern: str) -> list[str]:
    if not is_remote(pattern) and os.path.isdir(pattern):
        problem = folder_problem(pattern)
        if problem is not None:
            return [problem]
    try:
        found = matching_files(pattern)
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own
        return [f"{pattern} cannot be read: {error}"]
    if not found:
        return [f"no file matches {pattern} (working directory {working_directory() or 'removed'})"]
    problems = []
    size = 0
    for path in found:
        if cannot_be_read_twice(path):
            problems.append(
                f"{path} is a pipe or a device and cannot be read twice: rows are read to be sent, and again when the dataset is "
                "written. Save its output as a file and name that"
            )
            continue
        try:
            with closing(open_as_stored(path)) as file:
                size += len(file.read(1))
        except Exception as error:  # noqa: BLE001
            problems.append(f"{path} cannot be read: {error}")
    if not problems and not size:
        problems.append(f"{pattern} is empty; there is nothing to ask")
    return problems


def _output_problem(path: str) -> str | None:
    if is_remote(path):
        return f"{path} contains [, * or ?, which this storage reads as a pattern; use another name" if is_pattern(path) else None
    if path.endswith(os.sep):
        return f"{path} is a directory; name a file"
    if path == "-" or path.startswith("/dev/"):
        return f"{path} is not a place for a dataset, which is renamed into place when it is whole; name a file"
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "replace")
        return f"{shown} is not UTF-8, or this process does not read it as UTF-8; give it another name, or set LC_ALL=C.UTF-8"
    target = Path(path).absolute()
    if any(len(os.fsencode(part)) > LONGEST_NAME_BYTES for part in target.parts):
        return f"{path} cannot be written: a name in it has more than {LONGEST_NAME_BYTES} bytes"
    if target.is_dir():
        return f"{path} is a directory; name a file"
    parent = target.parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        return f"{path} cannot be written: {parent} is not a directory"
    if not os.access(parent, os.W_OK | os.X_OK):
        return f"{path} cannot be written: no permission in {parent}{whose(parent)}"
    if target.exists() and not target.is_file():
        return f"{path} is a pipe or a device; name a file"
    if target.exists() and not os.access(target, os.W_OK):
        return f"{path} cannot be written: no permission{whose(target)}"
    try:
        # in spite of the permissions, a full disk, a quota or a special filesystem may refuse; the test file has no name, or is removed at once
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        return f"{path} cannot be written: {parent} does not accept files ({error.strerror})"
    return None


def whose(path: str | Path) -> str:
    """Whose a file or folder is if it is not this user's, as after a run in a container, and what to do."""
    path = Path(path).absolute()
    try:
        owner = path.stat().st_uid
    except OSError:
        return ""
    if owner == os.geteuid():
        return ""
    give = f"sudo chown {'-R ' * path.is_dir()}{os.geteuid()} {shlex.quote(str(path))}"
    return (
        f"; it belongs to {_user(owner)}, and this is {_user(os.geteuid())}: run as that user, or give what that run wrote to this one ({give})"
    )


def _user(number: int) -> str:
    try:
        return f"{pwd.getpwuid(number).pw_name} ({number})"
    except KeyError:  # a user of a container
        return f"user {number}"


def _work_dir_problem(work_dir: str) -> str | None:
    """The first of the run's own files that cannot be written; its folders may belong to another user than the work_dir."""
    places = ["run.json", *(f"{name}/new" for name in _FOLDERS_OF_THE_RUN)]
    return next(filter(None, (_output_problem(os.path.join(work_dir, place)) for place in places)), None)


def _in_work_dir(output: str, work_dir: str) -> str | None:
    """The problem with an output that collides with one of the run's own files or with the work_dir, if any."""
    output, work_dir = real(output), real(work_dir)
    if output == work_dir or work_dir.startswith(output + "/"):
        return f"{output} is the work_dir or above it; name another output or another work_dir"
    inside = output[len(work_dir) + 1 :].split("/", 1)[0] if output.startswith(work_dir.rstrip("/") + "/") else ""
    if inside in OF_THE_RUN:
        return f"{output} is where the run keeps its own {inside}, in the work_dir; name another output"
    return None


def _meeting(settings: DistillSettings, spec: InputSpec) -> list[str]:
    """Files that are both input and output, now or in the next run."""
    problems = []
    outputs = {real(output): output for files in spec.splits for output in files.outputs}
    for files in spec.splits:
        if files.shards is not None:
            shards = [shard_path(output, number, files.shards) for output in files.outputs for number in range(files.shards)]
            outputs.update((real(path), path) for path in shards)
    for files in spec.splits:
        if files.pattern is None:
            continue
        for path in matching_files(files.pattern):
            if real(path) in outputs:
                problems.append(f"{path} is both an input and an output; name another output")
        name = "train_file_path" if files.split.value == "train" else "validation_file_path"
        for path in () if problems else [*outputs.values(), *_other_files(settings, spec)]:
            if matches(files.pattern, path):
                problems.append(
                    f"{name}: the pattern {files.pattern} also matches {path}, which this run writes: the next run would read it as rows. "
                    "Write to another folder, or narrow the pattern"
                )
                break
    return problems


def _other_files(settings: DistillSettings, spec: InputSpec) -> list[str]:
    """A run's other files whose names an input may have."""
    folder = settings.resolved_work_dir
    written = [f"{folder}/{name}" for name in ("rejects.jsonl", "run.json", "ledger/run.avro", "timeline/run.jsonl")]
    written += [f"{folder}/previous/0/{os.path.basename(output)}" for files in spec.splits for output in files.outputs]
    return [*written, f"{handoff_folder(settings.generated_batch_train_file_path)}/openai_finetuning.json"]
