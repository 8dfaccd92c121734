"""Unusual file names: brackets, other encodings, slashes at the end, pipes, patterns that match the run's own files."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import ROOT, questions, read_jsonl, write_rows
from object_storage import OBJECTS
from small_teacher import SmallTeacher, small_teacher

from beam_distill.cli.main import main
from transforms.files.matching import matches, sizes_of

ROWS = 6


def arguments(url: str, train: Path | str, output: Path | str, *extra: str) -> list[str]:
    return [
        "run",
        f"--train_file_path={train}",
        f"--generated_batch_train_file_path={output}",
        "--data_generation_task_type=MATH",
        f"--teacher_model_endpoint_url={url}",
        "--teacher_model_max_new_tokens=64",
        "--model=m",
        "--report=false",
        "--quiet=true",
        *extra,
    ]


def run_in(folder: Path, teacher: SmallTeacher, train: str, output: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "beam_distill", *arguments(teacher.url, train, output)]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, encoding="utf-8", errors="replace", timeout=120)


@pytest.mark.fault("D5", "X-C1", "G17")
@pytest.mark.parametrize("name", ["train[1]", "a]b[c *?", "[!x] {a,b} [z-a]", "back\\slash"])
def test_pattern_characters_in_any_path_are_literal(tmp_path: Path, name: str) -> None:
    folder = tmp_path / f"x {name}"
    write_rows(folder / f"{name}.jsonl", questions(ROWS))
    write_rows(tmp_path / "x v" / "1.jsonl", questions(3, 900))  # files that the name would match as a pattern
    output = folder / f"out {name}" / f"w{name}.jsonl"
    with small_teacher() as teacher:
        for _ in range(2):
            assert main(arguments(teacher.url, folder / f"{name}.jsonl", output)) == 0
            assert len(read_jsonl(output)) == ROWS
        assert main(arguments(teacher.url, f"{folder}/*.jsonl", output, f"--work_dir={tmp_path}/w {name}")) == 0
        assert len(read_jsonl(output)) == ROWS
        assert teacher.answered == 2 * ROWS
    assert not list((output.parent / f"w{name}.beam_distill").glob("staging/*"))


@pytest.mark.fault("D5", "X-C1")
@pytest.mark.slow
def test_a_work_dir_with_brackets_takes_several_processes(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", questions(300))
    with small_teacher() as teacher:
        output = tmp_path / "x [v2]" / "train.jsonl"
        assert main(arguments(teacher.url, tmp_path / "rows.jsonl", output, "--max_concurrency_per_instance=2")) == 0
        assert len(read_jsonl(output)) == 300
        assert teacher.answered == 300


@pytest.mark.fault("M1", "D5")
def test_patterns_mean_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.jsonl", "b.jsonl", "[c].jsonl", "c.jsonl", "x/d.jsonl", "x/y/e.jsonl", "x [1]/f.jsonl", "notes.txt"):
        write_rows(tmp_path / name, ["{}"])
    monkeypatch.chdir(tmp_path)
    assert sorted(sizes_of("*.jsonl")) == ["[c].jsonl", "a.jsonl", "b.jsonl", "c.jsonl"]
    assert sorted(sizes_of("./*.jsonl"))[0] == "./[c].jsonl"
    assert sorted(sizes_of("[ab].jsonl")) == ["a.jsonl", "b.jsonl"]
    assert sorted(sizes_of("[!b].jsonl")) == sorted(sizes_of("[^b].jsonl"))
    assert "b.jsonl" not in sizes_of("[^b].jsonl")
    assert list(sizes_of("[c].jsonl")) == ["[c].jsonl"]  # it exists, so it is that file
    assert list(sizes_of("x/*.jsonl")) == ["x/d.jsonl"]
    assert list(sizes_of("x [1]/*.jsonl")) == ["x [1]/f.jsonl"]
    assert list(sizes_of("x/*/*.jsonl")) == ["x/y/e.jsonl"]
    assert sorted(sizes_of("x/**.jsonl")) == ["x/d.jsonl", "x/y/e.jsonl"]
    assert sorted(sizes_of("**/e.jsonl")) == ["x/y/e.jsonl"]
    assert sorted(sizes_of(f"{tmp_path}/?.jsonl")) == [f"{tmp_path}/{name}.jsonl" for name in "abc"]
    assert sizes_of("none*.jsonl") == {}
    assert sizes_of("none.jsonl") == {}
    assert sizes_of("no/such/*.jsonl") == {}
    assert matches("*.jsonl", "new.jsonl")
    assert matches("*.jsonl", str(tmp_path / "new.jsonl"))
    assert not matches("*.jsonl", "x/new.jsonl")
    assert matches("x/**", "x/y/z/new.jsonl")
    assert not matches("a.jsonl", "b.jsonl")


def test_a_pattern_means_no_hidden_file_unless_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.jsonl", "._a.jsonl", ".ipynb_checkpoints/a-checkpoint.jsonl", "x/.cache/b.jsonl", "x/c.jsonl"):
        write_rows(tmp_path / name, ["{}"])
    monkeypatch.chdir(tmp_path)
    assert sorted(sizes_of("*.jsonl")) == ["a.jsonl"]
    assert sorted(sizes_of("**.jsonl")) == ["a.jsonl", "x/c.jsonl"]
    assert sorted(sizes_of("*/*.jsonl")) == ["x/c.jsonl"]
    assert sorted(sizes_of("._*.jsonl")) == ["._a.jsonl"]
    assert sorted(sizes_of("x/.cache/*")) == ["x/.cache/b.jsonl"]
    assert sorted(sizes_of("*/.cache/*.jsonl")) == ["x/.cache/b.jsonl"]
    assert not matches("*.jsonl", ".new.jsonl")
    assert matches(".*.jsonl", ".new.jsonl")


def test_two_stars_may_mean_no_folder_as_in_shells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("d/a.jsonl", "d/x/b.jsonl", "d/x/y/c.jsonl", "e.jsonl"):
        write_rows(tmp_path / name, ["{}"])
    monkeypatch.chdir(tmp_path)
    assert sorted(sizes_of("d/**/*.jsonl")) == ["d/a.jsonl", "d/x/b.jsonl", "d/x/y/c.jsonl"]
    assert sorted(sizes_of("**/x/**/*.jsonl")) == ["d/x/b.jsonl", "d/x/y/c.jsonl"]
    assert sorted(sizes_of("**/e.jsonl")) == ["e.jsonl"]
    assert matches("d/**/*.jsonl", "d/new.jsonl")
    assert not matches("d/**/*.jsonl", "new.jsonl")
    stored = ["objects://stars/d/a.jsonl", "objects://stars/d/x/b.jsonl"]
    for path in stored:
        monkeypatch.setitem(OBJECTS, path, b"{}\n")
    assert sizes_of("objects://stars/d/**/*.jsonl") == dict.fromkeys(stored, 3)
    assert sizes_of("objects://stars/**/none.jsonl") == {}
    assert matches("s3://b/d/**/*.jsonl", "s3://b/d/new.jsonl")
    assert not matches("s3://b/d/**/*.jsonl", "s3://b/new.jsonl")


def test_a_pattern_matches_nothing_outside_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    for pattern in ("data/**", "data/**/*.jsonl", "data/*/*.jsonl", f"{tmp_path}/data/**.jsonl", "data/.*/*.jsonl"):
        assert not matches(pattern, "out.jsonl")
        assert not matches(pattern, str(tmp_path / "out" / "train.jsonl"))
    assert matches("data/**", "data/out/train.jsonl")
    assert matches("data/**", "data/..out/train.jsonl") is False


@pytest.mark.fault("X-A5", "D4", "M4")
def test_an_input_in_another_encoding_is_recorded_and_published(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9.jsonl")
    with open(path, "wb") as file:
        file.write("\n".join(map(str, [*questions(ROWS), "no json"])).encode() + b"\n")
    with small_teacher() as teacher:
        for train in (os.fsdecode(path), f"{tmp_path}/caf*.jsonl"):
            assert main(arguments(teacher.url, train, tmp_path / "out" / "o.jsonl")) == 0
            assert len(read_jsonl(tmp_path / "out" / "o.jsonl")) == ROWS
        assert teacher.answered == ROWS
    assert read_jsonl(tmp_path / "out" / "o.beam_distill" / "rejects.jsonl")[0]["file"].endswith("caf\ufffd.jsonl")
    assert main(["ledger", str(tmp_path / "out" / "o.beam_distill"), f"--export={tmp_path / 'export.jsonl'}"]) == 0
    assert main(["report", str(tmp_path / "out" / "o.beam_distill")]) == 0


@pytest.mark.fault("X-A5", "M4", "N2", "X-C12", "X-C2")
@pytest.mark.parametrize(
    ("output", "work_dir", "said"),
    [
        ("caf\udce9.jsonl", None, "not UTF-8"),
        ("o.jsonl", "w\udce9", "not UTF-8"),
        ("new/", None, "is a directory; name a file"),
        ("new/", "w", "is a directory; name a file"),
        ("pipe", "w", "pipe"),
        ("x" * 256, "w", "more than 255 bytes"),
        ("x" * 245 + ".jsonl", None, "more than 255 bytes"),
        ("é" * 130 + ".jsonl", "w", "more than 255 bytes"),
        ("w/run.json", "w", "keeps its own run.json"),
        ("w/rejects.jsonl", "w", "keeps its own rejects.jsonl"),
        ("w/staging/x/o.jsonl", "w", "keeps its own staging"),
        ("w/ledger/o.jsonl", "w", "keeps its own ledger"),
        ("w", "w", "the work_dir or above it"),
        ("w", "w/deeper", "the work_dir or above it"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_sent(
    tmp_path: Path, output: str, work_dir: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", questions(ROWS))
    os.mkfifo(tmp_path / "pipe")
    given = [] if work_dir is None else [f"--work_dir={tmp_path}/{work_dir}"]
    with small_teacher() as teacher:
        assert main(arguments(teacher.url, rows, f"{tmp_path}/{output}", *given)) == 2
        assert teacher.answered == 0
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("output", ["-", "/dev/stdout", "/dev/null"])
def test_a_dataset_is_no_stream(tmp_path: Path, output: str, capsys: pytest.CaptureFixture[str]) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", questions(ROWS))
    with small_teacher() as teacher:
        assert main(arguments(teacher.url, rows, output, f"--work_dir={tmp_path}/w")) == 2
        assert teacher.answered == 0
    assert "name a file" in capsys.readouterr().err


@pytest.mark.fault("X-D", "X-C12")
@pytest.mark.parametrize("name", ["x" * 241 + ".jsonl", "é" * 118 + ".jsonl", "x" * 242 + ".jsonl.gz"])
def test_the_longest_names_are_taken(tmp_path: Path, name: str) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", questions(ROWS))
    with small_teacher() as teacher:
        assert main(arguments(teacher.url, rows, tmp_path / "o" / name, f"--work_dir={tmp_path}/w")) == 0
        assert main(arguments(teacher.url, rows, tmp_path / "o" / name, f"--work_dir={tmp_path}/w")) == 0
    assert (tmp_path / "o" / name).is_file()


@pytest.mark.fault("X-C2", "A13")
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_pipe_is_refused_at_once(tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    read, write = os.pipe()
    os.write(write, str(questions(1)[0]).encode() + b"\n")
    os.close(write)
    with small_teacher() as teacher:
        for train in (str(tmp_path / "pipe.jsonl"), f"{tmp_path}/*.jsonl", f"/dev/fd/{read}", "/dev/null"):
            flags = arguments(teacher.url, train, tmp_path / "out" / "o.jsonl")[1:]
            assert main([command, *flags]) == 2
            assert "cannot be read twice" in capsys.readouterr().err
    os.close(read)


@pytest.mark.fault("D19")
@pytest.mark.parametrize(
    ("pattern", "output", "work_dir"),
    [
        ("data/*.jsonl", "data/out.jsonl", None),
        ("data/*", "data/out.jsonl", None),
        ("data/**", "data/deeper/out.jsonl", None),
        ("data/**.jsonl", "elsewhere/out.jsonl", "data/w"),
        ("data/ro?s.jsonl", "data/roXs.jsonl", None),
        ("data/[a-z]*.jsonl", "data/../data/out.jsonl", None),
    ],
)
def test_a_pattern_over_what_the_run_writes_is_refused_in_the_first_run(
    tmp_path: Path, pattern: str, output: str, work_dir: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path / "data" / "rows.jsonl", questions(ROWS))
    given = [] if work_dir is None else [f"--work_dir={tmp_path}/{work_dir}"]
    with small_teacher() as teacher:
        assert main(arguments(teacher.url, f"{tmp_path}/{pattern}", f"{tmp_path}/{output}", *given)) == 2
        assert teacher.answered == 0
    assert "the next run would read it as rows" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.fault("X-C12")
def test_earlier_files_of_the_same_name_and_a_persons_own_file_are_kept(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", questions(ROWS))
    more = write_rows(tmp_path / "more.jsonl", questions(3, 500))
    train, validation = tmp_path / "out" / "train" / "d.jsonl", tmp_path / "out" / "val" / "d.jsonl"
    given = [f"--validation_file_path={more}", f"--generated_batch_validation_file_path={validation}", f"--work_dir={tmp_path}/w"]
    write_rows(train, ["a person's own"])
    with small_teacher() as teacher:
        for _ in range(3):
            assert main(arguments(teacher.url, rows, train, *given)) == 0
    kept = sorted((tmp_path / "w" / "previous").rglob("d.jsonl"))
    assert sorted(len(path.read_bytes().splitlines()) for path in kept) == [1, 3, ROWS]
    assert b"a person's own\n" in [path.read_bytes() for path in kept]


@pytest.mark.fault("T6")
@pytest.mark.parametrize("shards", [[], ["--output_shards=2"]], ids=["joined", "in shards"])
def test_what_a_killed_run_left_beside_the_output_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: list[str]) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", questions(ROWS))
    output = tmp_path / "out" / "train.jsonl"
    finals = [f"train-0000{number}-of-00002.jsonl" for number in range(2)] if shards else ["train.jsonl"]
    with small_teacher() as teacher:
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", _dies_at(output.parent / finals[-1], os.replace))
            assert main(arguments(teacher.url, rows, output, *shards)) == 5
        assert len(list(output.parent.glob(".beam_distill-*"))) == 1
        assert not (output.parent / finals[-1]).exists()
        (output.parent / ".beam_distill-somebody").write_text("else")
        assert main(arguments(teacher.url, rows, output, *shards)) == 0
        assert teacher.answered == ROWS
    assert sorted(path.name for path in output.parent.iterdir() if path.is_file()) == [".beam_distill-somebody", *finals]


def test_an_output_that_is_a_link_is_written_to_the_file_behind_it(tmp_path: Path) -> None:
    """Renamed into place, the dataset replaced the link."""
    rows = write_rows(tmp_path / "rows.jsonl", questions(ROWS))
    large_disk, output = tmp_path / "large disk", tmp_path / "train.jsonl"
    large_disk.mkdir()
    output.symlink_to("large disk/train.jsonl")
    with small_teacher() as teacher:
        for _ in range(2):
            assert main(arguments(teacher.url, rows, output)) == 0
            assert output.is_symlink()
            assert len((large_disk / "train.jsonl").read_text().splitlines()) == ROWS
        assert teacher.answered == ROWS


@pytest.mark.fault("T6")
@pytest.mark.parametrize("shards", [[], ["--output_shards=2"]], ids=["joined", "in shards"])
def test_what_a_lost_worker_of_this_run_left_beside_its_files_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shards: list[str]
) -> None:
    rows = write_rows(tmp_path / "rows.jsonl", questions(ROWS))
    left: list[Path] = []

    def placed_by_two(source: str, target: str, replace: Callable[[str, str], None] = os.replace) -> None:
        if ".beam_distill-" in source:
            left.append(Path(source).with_name(Path(source).name[:-8] + "of a lost worker"))
            shutil.copyfile(source, left[-1])
        replace(source, target)

    monkeypatch.setattr(os, "replace", placed_by_two)
    with small_teacher() as teacher:
        assert main(arguments(teacher.url, rows, tmp_path / "out" / "train.jsonl", *shards)) == 0
    assert {path.parent.name for path in left} == {"out", "train.beam_distill"}
    assert not any(path.exists() for path in left)


def _dies_at(output: Path, replace):  # type: ignore[no-untyped-def]
    def dies(source: str, target: str) -> None:
        if str(target) == str(output):
            raise OSError(5, "Input/output error")
        replace(source, target)

    return dies


@pytest.mark.fault("M4", "X-A5")
@pytest.mark.slow
def test_in_a_locale_without_utf_8_names_are_refused_or_taken(tmp_path: Path) -> None:
    write_rows(tmp_path / "zeilen_ü.jsonl", questions(ROWS))
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with small_teacher() as teacher:
        ended = run_in(tmp_path, teacher, "zeilen_ü.jsonl", "ausgabe_ü.jsonl", **plain)
        assert ended.returncode == 2
        assert "LC_ALL=C.UTF-8" in ended.stderr
        assert teacher.answered == 0
        assert "Traceback" not in ended.stderr
        ended = run_in(tmp_path, teacher, "zeilen_ü.jsonl", "out.jsonl", **plain)
        assert ended.returncode == 0, ended.stderr
        assert len(read_jsonl(tmp_path / "out.jsonl")) == ROWS
