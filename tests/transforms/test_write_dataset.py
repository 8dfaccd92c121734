"""A dataset that a runner wrote in several parts takes the place of nothing."""

from pathlib import Path

import pytest

from transforms.write_dataset import _PutInPlaceFn


def test_the_one_file_gets_its_final_name(tmp_path: Path) -> None:
    staged, final = tmp_path / "train-00000-of-00001", tmp_path / "train.jsonl"
    staged.write_text("all rows")
    assert list(_PutInPlaceFn(str(final)).process(str(staged))) == [str(final)]
    assert final.read_text() == "all rows"


@pytest.mark.parametrize("number", [0, 1])
def test_one_of_several_parts_is_not_put_in_place(tmp_path: Path, number: int) -> None:
    staged, final = tmp_path / f"train-0000{number}-of-00002", tmp_path / "train.jsonl"
    staged.write_text("half of the rows")
    with pytest.raises(RuntimeError, match="in several parts"):
        list(_PutInPlaceFn(str(final)).process(str(staged)))
    assert not final.exists()
