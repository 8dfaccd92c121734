"""The files for the training, each read by its real reader, and the dataset card."""

import contextlib
import glob
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from apache_beam.io.filesystems import FileSystems
from pydantic import TypeAdapter

from beam_distill.after_run.handoff.write import WrittenHandoff, write_handoff
from beam_distill.config.settings import DistillSettings
from beam_distill.job.handoff_folder import handoff_folder
from transforms.elements.rows import Split
from transforms.elements.tally import SplitVerdict, SuccessTally, Verdict
from transforms.elements.tasks import TaskType

AZURE_STUDENT = "azureml://registries/azureml-meta/models/Meta-Llama-3.1-8B-Instruct/versions/2"
TRL_FIELDS = json.loads(Path(__file__).with_name("trl_fields.json").read_text(encoding="utf-8"))


def verdict(train: bool = True, validation: int = 4) -> Verdict:
    first = SplitVerdict(Split.TRAIN, SuccessTally(20, 18, {"no_json": 2}), 0.9, 0.7, train, "")
    second = SplitVerdict(Split.VALIDATION, SuccessTally(validation, validation), 1.0, 0.7, bool(validation), "")
    return Verdict((first, second), None)


class Handoff:
    """One written hand-off in its folder."""

    def __init__(self, tmp_path: Path, train: str = "train.jsonl", judged: Verdict | None = None, **inputs: Any) -> None:
        self.train, self.validation = tmp_path / train, tmp_path / "validation.jsonl"
        for path in (self.train, self.validation):
            path.touch()
        self.settings = DistillSettings(
            train_file_path="rows.jsonl",
            generated_batch_train_file_path=str(self.train),
            generated_batch_validation_file_path=str(self.validation),
            data_generation_task_type=TaskType.MATH,
            **inputs,
        )
        self.judged = judged or verdict()
        self.folder = Path(handoff_folder(str(self.train)))
        self.written = self.write()

    def write(self) -> WrittenHandoff | None:
        published = {part.split.value: str(getattr(self, part.split.value)) for part in self.judged.splits if part.published}
        return write_handoff(self.settings, self.judged, published, "big-model")

    def yaml(self, name: str) -> dict[str, Any]:
        fields: dict[str, Any] = yaml.safe_load((self.folder / name).read_text(encoding="utf-8"))
        return fields

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()} - {".written.json"} if self.folder.exists() else set()


ALL = {"azureml_finetuning.yaml", "openai_finetuning.json", "trl_sft.yaml", "README.md"}


@pytest.mark.parametrize(
    ("inputs", "hyperparameters"),
    [
        ({}, {"num_train_epochs": "1", "per_device_train_batch_size": "1", "learning_rate": "0.0003"}),
        (
            {"num_train_epochs": 5, "per_device_train_batch_size": 2, "learning_rate_multiplier": 0.2, "registered_model_name": "math-student"},
            {"n_epochs": "5", "batch_size": "2", "learning_rate_multiplier": "0.2"},
        ),
        ({"compute_finetune": "gpu-cluster", "student_model": "org/model"}, None),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_azure_mls_own_loader_takes_the_job(tmp_path: Path, inputs: dict[str, Any], hyperparameters: dict[str, str] | None) -> None:
    from azure.ai.ml import load_job

    made = Handoff(tmp_path, **{"student_model": AZURE_STUDENT, **inputs})
    job: Any = load_job(made.folder / "azureml_finetuning.yaml")
    assert type(job).__name__ == "CustomModelFineTuningJob"
    assert job.task.lower() == "chatcompletion"
    assert (made.folder / job.training_data.path).resolve() == made.train.resolve()
    assert (made.folder / job.validation_data.path).resolve() == made.validation.resolve()
    if hyperparameters is not None:
        assert job.hyperparameters == hyperparameters
        assert job.model.path == AZURE_STUDENT
        assert job.resources.instance_types == ["Singularity.ND96amrs_A100_v4"]
    else:
        assert job.compute == "gpu-cluster"
        assert "--student_model fills it in" in (made.folder / "azureml_finetuning.yaml").read_text(encoding="utf-8")
    assert bool(job.outputs) is ("registered_model_name" in inputs)


@pytest.mark.parametrize("inputs", [{}, {"student_model": "gpt-4o-mini", "registered_model_name": "m" * 100, "learning_rate_multiplier": 0.5}])
def test_openais_own_types_take_the_request(tmp_path: Path, inputs: dict[str, Any]) -> None:
    from openai.types.fine_tuning import job_create_params

    request = json.loads((Handoff(tmp_path, **inputs).folder / "openai_finetuning.json").read_text(encoding="utf-8"))
    adapter = TypeAdapter(job_create_params.JobCreateParams)
    assert adapter.validate_python(request, strict=True) == request  # names that the types do not know would be gone
    hyperparameters = request["method"]["supervised"]["hyperparameters"]
    assert hyperparameters == {"n_epochs": 1, "batch_size": 1, **({"learning_rate_multiplier": 0.5} if inputs else {})}
    assert request["model"] == inputs.get("student_model", "STUDENT_MODEL")
    assert len(request.get("suffix", "")) <= 64
    with pytest.raises(ValueError, match="n_epochs"):  # the types would notice
        hyperparameters["n_epochs"] = "many"
        adapter.validate_python(request, strict=True)


@pytest.mark.parametrize("inputs", [{}, {"student_format": "prompt_completion", "learning_rate_multiplier": 0.5, "student_model": "org/model"}])
def test_trl_knows_every_name_and_type_of_its_configuration(tmp_path: Path, inputs: dict[str, Any]) -> None:
    made = Handoff(tmp_path, **inputs)
    config = made.yaml("trl_sft.yaml")
    kinds: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "None": type(None)}
    for name, value in config.items():
        allowed = tuple(kinds[kind] for kind in TRL_FIELDS["fields"][name])
        assert isinstance(value, allowed), f"{name}: {value!r}"
    assert config["model_name_or_path"] == inputs.get("student_model", "STUDENT_MODEL")
    assert config["learning_rate"] == pytest.approx(0.0003 * inputs.get("learning_rate_multiplier", 1))
    assert (config["dataset_name"], config["dataset_test_split"], config["eval_strategy"]) == (str(made.folder), "validation", "epoch")


def with_pairs(train: int = 3, validation: int = 2) -> Verdict:
    found = verdict()
    parts = [replace(part, tally=replace(part.tally, pairs=pairs)) for part, pairs in zip(found.splits, (train, validation), strict=True)]
    return replace(found, splits=tuple(parts))


@pytest.mark.parametrize(("validation", "inputs"), [(2, {}), (0, {}), (2, {"student_format": "sharegpt"})])
def test_pairs_have_a_configuration_of_their_own(tmp_path: Path, validation: int, inputs: dict[str, Any]) -> None:
    made = Handoff(tmp_path, judged=with_pairs(validation=validation), **inputs)
    paths = {split: tmp_path / f"{split}_pairs.jsonl" for split in ("train", "validation")}
    for path in paths.values():
        path.touch()
    published = {"train": str(made.train), "validation": str(made.validation), **{f"{split} pairs": str(path) for split, path in paths.items()}}
    write_handoff(made.settings, made.judged, published, "big-model")
    config = made.yaml("trl_dpo.yaml")
    kinds: dict[str, Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "None": type(None)}
    for name, value in config.items():
        assert isinstance(value, tuple(kinds[kind] for kind in TRL_FIELDS["fields"][name])), f"{name}: {value!r}"
    assert ("eval_strategy" in config) is bool(validation)
    examples, pairs = yaml.safe_load((made.folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])["configs"]
    assert examples["default"] is True
    assert config["dataset_config"] == pairs["config_name"] != examples["config_name"]
    wanted = ["train", "validation"] if validation else ["train"]
    assert [(made.folder / file["path"]).resolve() for file in pairs["data_files"]] == [paths[split].resolve() for split in wanted]
    if not inputs:
        assert made.yaml("trl_sft.yaml")["dataset_config"] == examples["config_name"]
    assert made.names >= {"trl_dpo.yaml"}
    made.write()  # without pairs
    assert "trl_dpo.yaml" not in made.names


def test_the_card_says_how_it_was_made_and_leaves_the_licence_open(tmp_path: Path) -> None:
    made = Handoff(
        tmp_path, enable_chain_of_thought=True, additional_headers={"x-team": "s3cret"}, teacher_model_endpoint_url="http://inside:1/v1"
    )
    card = (made.folder / "README.md").read_text(encoding="utf-8")
    _, head, body = card.split("---\n", 2)
    assert "license" not in yaml.safe_load(head)
    assert "# license: yours to decide" in head
    files = yaml.safe_load(head)["configs"][0]["data_files"]
    assert [(made.folder / file["path"]).resolve() for file in files] == [made.train.resolve(), made.validation.resolve()]
    assert "| train | 20 | 18 | 2 | 2 no_json |" in body
    assert "`big-model`" in body
    assert "chain of thought" in body
    assert "s3cret" not in card
    assert "inside" not in card


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        ({}, ALL),
        ({"student_format": "merged_system", "reasoning": "think"}, ALL),
        ({"student_format": "prompt_completion"}, {"trl_sft.yaml", "README.md"}),
        ({"train": "train.parquet"}, {"trl_sft.yaml", "README.md"}),
        ({"train": "train.jsonl.gz"}, {"trl_sft.yaml", "README.md"}),
        ({"reasoning": "field"}, {"trl_sft.yaml", "README.md"}),
        ({"student_format": "sharegpt"}, {"README.md"}),
        ({"student_format": "alpaca"}, {"README.md"}),
        ({"judged": verdict(train=False)}, set()),
    ],
)
def test_only_files_whose_reader_takes_the_rows_are_written(tmp_path: Path, inputs: dict[str, Any], names: set[str]) -> None:
    made = Handoff(tmp_path, **inputs)
    assert made.names == names
    assert (made.written is None) is (not names)


def test_the_cards_configuration_is_named_after_the_rows(tmp_path: Path) -> None:
    # datasets finds what it loaded before by folder and configuration name: the same name would give the rows of before
    def name() -> str:
        found: str = yaml.safe_load((made.folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])["configs"][0]["config_name"]
        return found

    def replaced(content: str, written_s: int) -> str:
        made.train.write_text(content, encoding="utf-8")
        os.utime(made.train, (written_s, written_s))
        made.write()
        return name()

    made = Handoff(tmp_path)
    before = replaced("{}\n", 1_700_000_000)
    made.write()
    assert name() == before
    assert before.startswith("math-")
    assert replaced("[]\n", 1_700_000_001) != before


def test_the_files_are_written_without_reading_the_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Handoff(tmp_path)
    beam_open = FileSystems.open

    def only_small(path: str, *arguments: Any, **more: Any) -> Any:
        assert Path(path).parent == made.folder
        return beam_open(path, *arguments, **more)

    monkeypatch.setattr(FileSystems, "open", only_small)
    made.settings = made.settings.model_copy(update={"num_train_epochs": 7})
    made.write()
    assert made.yaml("trl_sft.yaml")["num_train_epochs"] == 7


def test_without_validation_rows_there_is_no_validation(tmp_path: Path) -> None:
    made = Handoff(tmp_path, judged=verdict(validation=0))
    assert "validation_data" not in made.yaml("azureml_finetuning.yaml")
    assert "eval_strategy" not in made.yaml("trl_sft.yaml")
    assert "validation_file" not in json.loads((made.folder / "openai_finetuning.json").read_text(encoding="utf-8"))


def test_datasets_of_two_formats_are_not_called_one(tmp_path: Path) -> None:
    # datasets refuses to load them: "Couldn't infer the same data file format for all splits"
    made = Handoff(tmp_path, train="train.parquet")
    card = (made.folder / "README.md").read_text(encoding="utf-8")
    (config,) = yaml.safe_load(card.split("---\n")[1])["configs"]
    assert [file["split"] for file in config["data_files"]] == ["train"]
    assert "Not in the head of this file: `../validation.jsonl`. " in card
    assert "dataset_test_split" not in made.yaml("trl_sft.yaml")


def test_brackets_in_a_files_name_are_not_a_set_of_letters(tmp_path: Path) -> None:
    made = Handoff(tmp_path, train="train [v1].jsonl")
    (config,) = yaml.safe_load((made.folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])["configs"]
    pattern = os.path.normpath(made.folder / config["data_files"][0]["path"])
    assert glob.glob(pattern) == [str(made.train)]


def test_pairs_in_another_format_than_the_dataset_are_named_and_not_configured(tmp_path: Path) -> None:
    # datasets reads all configurations of a card by the first one's format: "Failed to load JSON from file 'pairs.parquet'"
    made = Handoff(tmp_path, judged=with_pairs())
    paths = {"train pairs": tmp_path / "pairs.parquet", "validation pairs": tmp_path / "vpairs.parquet"}
    for path in paths.values():
        path.touch()
    published = {"train": str(made.train), "validation": str(made.validation), **{name: str(path) for name, path in paths.items()}}
    written = write_handoff(made.settings, made.judged, published, "big-model")
    assert written is not None
    assert "for pairs" not in written.holds
    assert "trl_dpo.yaml" not in made.names
    card = (made.folder / "README.md").read_text(encoding="utf-8")
    assert len(yaml.safe_load(card.split("---\n")[1])["configs"]) == 1
    assert "Not in the head of this file: `../pairs.parquet`, `../vpairs.parquet`. " in card
    assert "of 3 rows of train and 2 rows of validation, in `../pairs.parquet`." in card


def test_changed_files_stay_and_stale_ones_are_removed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = Handoff(tmp_path)
    own = made.folder / "README.md"
    own.write_text(own.read_text(encoding="utf-8").replace("# license: yours", "license: mit #"), encoding="utf-8")
    mine = own.read_text(encoding="utf-8")
    made.settings = made.settings.model_copy(update={"num_train_epochs": 7, "student_format": "sharegpt"})
    with caplog.at_level(logging.INFO, "beam_distill"):
        made.write()
    assert own.read_text(encoding="utf-8") == mine
    assert made.names == {"README.md"}
    made.judged = verdict(train=False)
    made.write()
    assert made.names == {"README.md"}
    own.unlink()
    made.judged = verdict()
    made.write()
    made.judged = verdict(train=False)
    made.write()
    assert not made.folder.exists()


@pytest.mark.fault("X-C7")
@pytest.mark.parametrize("listing", ["", "[]", "{", '{"README.md": 7}'])
def test_a_damaged_listing_costs_no_file(tmp_path: Path, listing: str) -> None:
    handoff = Handoff(tmp_path)
    (handoff.folder / "trl_sft.yaml").write_text("a person's own")
    (handoff.folder / ".written.json").write_text(listing)
    handoff.judged = verdict(validation=0)
    handoff.write()
    assert "a person's own" in [path.read_text(encoding="utf-8") for path in handoff.folder.iterdir()]
    assert handoff.names >= ALL


@pytest.mark.fault("X-C7")
def test_a_run_that_is_killed_on_the_way_leaves_no_file_that_looks_like_a_persons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.replace
    replaced: list[str] = []
    for stopped_at in range(6):
        folder = tmp_path / str(stopped_at)
        folder.mkdir()
        replaced.clear()

        def replace(source: str, target: str, most: int = stopped_at) -> None:
            if len(replaced) == most:
                raise KeyboardInterrupt
            replaced.append(target)
            rename(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", replace)
            with contextlib.suppress(KeyboardInterrupt):
                Handoff(folder)
        assert len(replaced) == min(stopped_at, 5)
        assert Handoff(folder, judged=verdict(validation=0)).names == ALL


@pytest.mark.fault("X-C7")
def test_an_empty_file_of_a_run_that_found_the_disk_full_is_written_again(tmp_path: Path) -> None:
    handoff = Handoff(tmp_path)
    (handoff.folder / "openai_finetuning.json").write_text("")
    handoff.write()
    assert json.loads((handoff.folder / "openai_finetuning.json").read_text())
