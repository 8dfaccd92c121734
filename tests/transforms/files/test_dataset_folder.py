"""Folders that save_to_disk of Hugging Face's datasets has written, made here as it writes them."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pytest

from transforms.elements.data_specs import InputSpec, SplitFiles
from transforms.elements.rows import Split, TrainingRow
from transforms.files.dataset_folder import folder_problem
from transforms.files.matching import sizes_of
from transforms.intake.walk import walk_split


def saved(folder: Path, shards: int = 2, **state: object) -> Path:
    folder.mkdir(parents=True)
    names = [f"data-{shard:05d}-of-{shards:05d}.arrow" for shard in range(shards)]
    for shard, name in enumerate(names):
        table = pa.table({"messages": [[{"role": "user", "content": f"{shard} {number}"}] for number in range(2)]})
        with pyarrow.ipc.new_stream(str(folder / name), table.schema) as writer:
            writer.write_table(table)
    listed = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0", "_split": "train", **state}
    (folder / "state.json").write_text(json.dumps(listed))
    (folder / "dataset_info.json").write_text("{}")
    return folder


@pytest.mark.fault("N12")
def test_a_saved_dataset_is_read(tmp_path: Path) -> None:
    folder = saved(tmp_path / "rows")
    (folder / "data-00009-of-00009.arrow").write_bytes(b"a file of an earlier save")
    assert folder_problem(str(folder)) is None
    for path in (str(folder), f"{folder}/"):
        spec = InputSpec((SplitFiles(Split.TRAIN, path, None),))
        rows = list(walk_split(spec, spec.splits[0]))
        assert [row.messages[0].content for row in rows if isinstance(row, TrainingRow)] == ["0 0", "0 1", "1 0", "1 1"]


@pytest.mark.fault("N12")
def test_a_folder_that_is_not_a_saved_dataset_says_what_to_name(tmp_path: Path) -> None:
    saved(tmp_path / "both" / "train")
    (tmp_path / "both" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert f"with the splits train, test; name one of them, such as {tmp_path / 'both' / 'train'}" in str(folder_problem(str(tmp_path / "both")))
    chosen = saved(tmp_path / "chosen", _indices_data_files=[{"filename": "indices.arrow"}])
    assert "flatten_indices" in str(folder_problem(str(chosen)))
    torn = saved(tmp_path / "torn")
    (torn / "data-00001-of-00002.arrow").unlink()
    assert "is a directory" in str(folder_problem(str(torn)))
    assert not sizes_of(str(torn))
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "train-00000-of-00001.parquet").touch()
    assert f"a pattern such as {tables / '*.parquet'}" in str(folder_problem(str(tables)))
    (tmp_path / "none").mkdir()
    assert "*.jsonl" in str(folder_problem(str(tmp_path / "none")))
