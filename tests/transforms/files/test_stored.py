"""Files get their final name once, however often a runner does it again."""

import os
import threading
from pathlib import Path

import pytest

from transforms.files.local import LocalFiles
from transforms.files.stored import exists, put_in_place


def test_putting_in_place_again_changes_nothing(tmp_path: Path) -> None:
    staged, final = tmp_path / "staging" / "train", tmp_path / "out" / "deeper" / "train.jsonl"
    staged.parent.mkdir()
    staged.write_text("rows\n")
    for _ in range(2):
        put_in_place(str(staged), str(final))
        assert final.read_text() == "rows\n"
        assert staged.exists()
    staged.unlink()
    assert final.read_text() == "rows\n"
    assert os.listdir(final.parent) == ["train.jsonl"]


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    staged, final = tmp_path / "staged", tmp_path / "final"
    final.write_text("old")
    staged.write_text("new")
    put_in_place(str(staged), str(final))
    assert final.read_text() == "new"


def test_a_disk_without_links_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_links)
    (tmp_path / "staged").write_text("rows")
    put_in_place(str(tmp_path / "staged"), str(tmp_path / "final"))
    assert (tmp_path / "final").read_text() == "rows"


def test_two_workers_make_the_same_folder(tmp_path: Path) -> None:
    folder, errors, together = str(tmp_path / "out"), [], threading.Barrier(8)

    def make() -> None:
        together.wait()
        try:
            LocalFiles().make_folder(folder)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    LocalFiles().make_folder(folder)
    assert not errors
    assert exists(folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        LocalFiles().make_folder(str(tmp_path / "file" / "below"))
