"""Compare the outputs of two trees: run the same jobs in both and compare everything that they write and print.

    python tools/compare_outputs.py BASE [OTHER] [--only PART ...] [--jobs FOLDER] [--keep FOLDER]

BASE and OTHER are commits; without OTHER it is this working tree, uncommitted changes included. The same commit twice shows whether outputs
repeat. Each tree is at the same path and uses a new simulated teacher, so paths and answers are equal. Datasets, rejects and rendered files
are compared by bytes; ledgers and failures by row, with their schemas; JSON by field; printed text by line. Not compared is what differs
between any two runs: times, run ids, ports, process ids, the pictures of report.html, progress on standard error (the lists are in
output_differences.py). Not run: clusters, Azure and anything else that needs more than this machine.

Exit code: 0 everything is the same, 1 there are differences (each is printed), 2 something could not be run.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from output_differences import differences

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("flink-kubernetes", "spark-kubernetes", "spark-submit", "flink-rest", "github-actions", "azure-pipelines", "azureml")
COMMANDS = ("run", "check", "plan", "jar", "status", "report", "ledger", "retry", "simulate", "render", "launch")
ANSWER_FAULTS = ("null_content", "length", "content_filter", "content_filter_400", "context_length_400", "prose", "fenced")
LONGEST_S = 600
"""No command here takes longer, even on a busy machine."""


class CannotRun(Exception):
    """A tree or one of its jobs did not run, so there is nothing to compare."""


class Tree:
    """A tree at its path, the output folder of its jobs, and their environment."""

    def __init__(self, path: Path, out: Path, jobs: Path | None, is_base: bool) -> None:
        self.path, self.out, self.jobs, self.is_base = path, out, jobs, is_base
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("BEAM_DISTILL_", "PYTHON"))}
        self.environ = {**ours, "PYTHONPATH": str(path), "TEACHER_KEY": "made-up", "COLUMNS": "120", "TZ": "UTC", "NO_COLOR": "1"}

    def python(self, *arguments: object, name: str, progress: bool = True, mistake: bool = False) -> str:
        """Run this interpreter in the tree and return what it printed. It is also kept as commands/NAME.txt, without standard error if
        that shows progress.

        Raises CannotRun if BASE fails, or does not fail for a mistake: then there is nothing to compare with.
        """
        command = [sys.executable, *map(str, arguments)]
        try:
            ended = subprocess.run(command, cwd=self.path, env=self.environ, capture_output=True, text=True, timeout=LONGEST_S, check=False)
        except subprocess.TimeoutExpired:
            raise CannotRun(f"{' '.join(command[1:])} did not end within {LONGEST_S} s") from None
        if self.is_base and (ended.returncode != 0) != mistake:
            raise CannotRun(f"{' '.join(command[1:])} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        kept = self.out / "commands" / f"{name}.txt"
        kept.parent.mkdir(parents=True, exist_ok=True)
        errors = "" if progress else f"--- standard error\n{ended.stderr}"
        kept.write_text(f"exit code {ended.returncode}\n--- standard output\n{ended.stdout}{errors}", encoding="utf-8")
        return ended.stdout

    def job(self, name: str, *arguments: object) -> None:
        """Run a job whose files go to OUT/NAME."""
        self.python("-m", "beam_distill", "run", *arguments, *outputs(self.out / name), name=f"run-{name}")

    def command(self, name: str, *arguments: object) -> None:
        """Run a command that shows no progress. One with a name wrong-... must fail."""
        self.python("-m", "beam_distill", *arguments, name=name, progress=False, mistake=name.startswith("wrong-"))

    def check_imports(self) -> None:
        """Raises CannotRun if Python would import another tree's packages."""
        code = "import beam_distill, transforms; print(beam_distill.__file__); print(transforms.__file__)"
        for file in self.python("-c", code, name="imports").splitlines():
            if not Path(file).resolve().is_relative_to(self.path.resolve()):
                raise CannotRun(f"the jobs of {self.path} would run {file}, which is in another place")


def outputs(folder: Path) -> list[object]:
    """Flags for a job that writes to this folder."""
    datasets = ["--train_output", folder / "train.jsonl", "--validation_output", folder / "validation.jsonl"]
    return [*datasets, "--work_dir", folder / "work", "--min_endpoint_success_ratio", "0.2"]


@contextmanager
def teacher(tree: Path, *flags: str) -> Iterator[str]:
    """The address of a new simulated teacher from BASE."""
    answers = [part for path in sorted((tree / "examples").glob("*/*.jsonl")) for part in ("--answers", str(path))]
    command = [sys.executable, "-m", "beam_distill", "simulate", "--port", "0", "--seed", "7", *answers, *flags]
    server = subprocess.Popen(command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)}, stdout=subprocess.PIPE, text=True)
    try:
        line = server.stdout.readline() if server.stdout else ""
        if not line.startswith("listening on "):
            raise CannotRun(f"the simulated teacher of {tree} did not start")
        yield line.split()[-1]
    finally:
        server.terminate()
        server.wait()


def run_demo(tree: Tree, base: Path) -> None:
    """The demo, with the simulator of its own tree: every task, also with failed requests that are sent again."""
    tree.python("examples/demo.py", tree.out, name="demo")


def run_examples(tree: Tree, base: Path) -> None:
    """Every other example, and the commands that read a finished work_dir."""
    (tree.out / "notebook").mkdir()
    shutil.copy(tree.path / "examples" / "notebook.ipynb", tree.out / "notebook")
    tree.python("-m", "jupyter", "execute", "--inplace", tree.out / "notebook" / "notebook.ipynb", name="notebook")
    with teacher(base) as url:
        (tree.out / "from_python").mkdir()
        tree.python("examples/from_python.py", url, tree.out / "from_python", name="from_python")
        tree.python("examples/own_pipeline.py", url, tree.out / "own_pipeline", name="own_pipeline")
        for config in ("ci/job.yaml", "azureml/distillation_math.yaml", "azureml/pipeline_nli.yaml"):
            given = ["--config", f"examples/{config}", "--endpoint", url, "--authentication_type", "none"][: None if "nli" in config else 4]
            tree.job(Path(config).stem, *given)
    with teacher(base, *[part for kind in ANSWER_FAULTS for part in ("--fault", f"{kind}=0.06")]) as url:
        for shape in ("merged_system", "sharegpt", "alpaca", "prompt_completion"):
            job = ["--task", "nlu_qa", "--train", "examples/nlu_qa/train.jsonl", "--validation", "examples/nlu_qa/validation.jsonl"]
            tree.job(shape, *job, "--endpoint", url, "--student_format", shape, "--reasoning", "field")
        work = tree.out / "alpaca" / "work"
        tree.command("check", "check", *job, "--endpoint", url, *outputs(tree.out / "check"))
        tree.command("plan", "plan", *job, "--endpoint", url, *outputs(tree.out / "check"))
        tree.python("-m", "beam_distill", "retry", work, "--reason", "no_json", "empty_answer", name="retry")
    for name, flags in {"ledger": (), "ledger-lines": ("--split", "train"), "status": (), "report": ()}.items():
        tree.command(name, name.partition("-")[0], work, *flags)
    tree.command("ledger-export", "ledger", work, "--export", tree.out / "export.jsonl")


def run_jobs(tree: Tree, base: Path) -> None:
    """The Azure ML job files in --jobs, one folder each, with their rows."""
    for folder in sorted(path.parent for path in (tree.jobs or Path()).glob("*/azureml_job.yaml")):
        splits = [folder / f"{split}.jsonl" for split in ("train", "validation")]
        train, validation = (path if path.exists() else splits[1] for path in splits)
        with teacher(base, *[part for kind in ANSWER_FAULTS for part in ("--fault", f"{kind}=0.02")]) as url:
            tree.job(folder.name, "--config", folder / "azureml_job.yaml", "--train", train, "--validation", validation, "--endpoint", url)


def run_commands(tree: Tree, base: Path) -> None:
    """Helps, a plan of every default, and mistakes."""
    for command in COMMANDS:
        for flag in ("--help", "--help-all") if command in ("run", "jar", "retry") else ("--help",):
            tree.command(f"{command}{flag}", command, flag)
    tree.command("help", "--help")
    tree.command("plan-defaults", "plan", "--config", "examples/ci/job.yaml", "--defaults")
    tree.command("wrong-command", "rum")
    tree.command("wrong-flag", "run", "--config", "examples/ci/job.yaml", "--max_tokns", "5")
    tree.command("wrong-values", "run", "--task", "maths", "--train", "absent.jsonl", "--max_tokens", "-1", "--endpoint", "nowhere")
    tree.command("wrong-work-dir", "ledger", "absent")
    tree.command("wrong-target", "render", "flink")
    shutil.copy(next((tree.path / "docs").rglob("inputs.md")), tree.out / "inputs.md")


def run_rendered(tree: Tree, base: Path) -> None:
    """Every target: its values, and its files for a job that it supports."""
    pods = {"train_file_path": "train.jsonl", "generated_batch_train_file_path": "out.jsonl", "work_dir": "work"}
    shared = [f"{name}=/data/{path}" for name, path in pods.items()] + ["shared_directories=/data", "instance_count=2", "validation_file_path="]
    shared.append("generated_batch_validation_file_path=")
    for target in TARGETS:
        tree.command(f"{target}-values", "render", target, "--list-values")
        changes = shared if target.endswith("-kubernetes") else ["api_key_env="] if target == "azureml" else []
        sets = [part for change in changes for part in ("--set", change)]
        tree.command(target, "render", target, "--config", "examples/ci/job.yaml", *sets, "-o", tree.out / target)


PARTS = {"commands": run_commands, "rendered": run_rendered, "examples": run_examples, "demo": run_demo, "jobs": run_jobs}


def put_tree(commit: str | None, path: Path) -> None:
    """The files of a commit, or of this working tree. Raises CannotRun."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    git = ["git", "-C", str(ROOT)]
    if commit:
        archive = subprocess.run([*git, "archive", commit], capture_output=True, check=False)
        if archive.returncode:
            raise CannotRun(f"{commit}: {archive.stderr.decode().strip()}")
        subprocess.run(["tar", "-x", "-C", str(path)], input=archive.stdout, check=True)
        return
    listed = subprocess.run([*git, "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)


def outputs_of(commit: str | None, is_base: bool, folder: Path, parts: Iterable[str], jobs: Path | None) -> Path:
    """The folder with the outputs of a tree's jobs. Kept outputs of BASE from an earlier call are used again."""
    kept = folder / (f"base-{commit}" if is_base else "other")
    if not is_base:
        shutil.rmtree(kept, ignore_errors=True)
    missing = [part for part in parts if not (kept / part).exists()]
    if missing:
        put_tree(commit, folder / "tree")
    for part in missing:
        began_s = time.monotonic()
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / "out").mkdir()
        tree = Tree(folder / "tree", folder / "out", jobs, is_base)
        tree.check_imports()
        PARTS[part](tree, folder / "base")
        kept.mkdir(exist_ok=True)
        (folder / "out").rename(kept / part)
        print(f"{kept.name[:17]}: {part} in {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    return kept


def main() -> int:
    """Compare, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", metavar="BASE", help="the commit to compare with")
    parser.add_argument("other", metavar="OTHER", nargs="?", help="another commit (default: this working tree)")
    parser.add_argument("--only", metavar="PART", nargs="+", choices=PARTS, default=[*PARTS], help=", ".join(PARTS))
    jobs = "has a folder for each job, with azureml_job.yaml and its rows (part jobs; default: $TEST_DATA_DIR)"
    parser.add_argument("--jobs", metavar="FOLDER", type=Path, default=os.environ.get("TEST_DATA_DIR"), help=jobs)
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="keep what was written there, so that BASE need not run again")
    given = parser.parse_args()
    given.jobs = given.jobs and Path(given.jobs).resolve()
    parts = [part for part in given.only if part != "jobs" or given.jobs]
    with tempfile.TemporaryDirectory(prefix="compare-outputs-") as temporary:
        folder = (given.keep or Path(temporary)).resolve()
        try:
            base, other = commit_of(given.base), given.other and commit_of(given.other)
            put_tree(base, folder / "base")
            before = outputs_of(base, True, folder, parts, given.jobs)
            after = outputs_of(other, False, folder, parts, given.jobs)
        except (CannotRun, subprocess.CalledProcessError) as why:
            print(f"could not run: {why}", file=sys.stderr)
            return 2
        found = [f"{part}: {difference}" for part in parts for difference in differences(before / part, after / part)]
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(found)} differences" if found else f"no difference in {', '.join(parts)}")
    return 1 if found else 0


def commit_of(name: str) -> str:
    """The whole id of a commit. Raises CannotRun."""
    found = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--verify", f"{name}^{{commit}}"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise CannotRun(f"{name} is not a commit here")
    return found.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
