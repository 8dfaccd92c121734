"""The published run that the hand-off files describe."""

from __future__ import annotations

import os
from dataclasses import dataclass

from beam_distill.config.settings import DistillSettings
from transforms.elements.tally import Verdict
from transforms.files.paths import is_remote
from transforms.students.registry import STUDENT_FORMATS

PLACEHOLDER = "STUDENT_MODEL"
FILL_IN = f"{PLACEHOLDER} is a placeholder for the model to train; --student_model fills it in."


@dataclass(frozen=True, slots=True)
class HandoffFacts:
    """One published run.

    ``train`` and ``validation`` are the datasets' paths relative to the ``folder`` of the hand-off, ``validation`` None without such rows;
    ``pairs`` and ``validation_pairs`` those of their pairs, None without any. ``teacher`` is the model that answered, None if unknown.
    ``digest`` is another one after a dataset was written again.
    """

    settings: DistillSettings
    verdict: Verdict
    folder: str
    train: str
    validation: str | None
    teacher: str | None
    digest: str
    pairs: str | None = None
    validation_pairs: str | None = None

    @property
    def is_jsonl(self) -> bool:
        """Whether the training dataset is plain JSONL."""
        packed = self.train.lower().endswith((".parquet", ".pq", ".gz", ".zst", ".zstd", ".bz2", ".xz"))
        return self.settings.output_format != "parquet" and (not packed or self.settings.output_format == "jsonl")

    @property
    def loaded_validation(self) -> str | None:
        """The validation dataset, if ``datasets`` can load it with the other."""
        return _loaded_with(self.train, self.validation)

    @property
    def loaded_pairs(self) -> str | None:
        """The pairs, if ``datasets`` can load them by the card of the training dataset: one card is read in one format."""
        return _loaded_with(self.train, self.pairs)

    @property
    def loaded_validation_pairs(self) -> str | None:
        """The validation pairs, likewise."""
        return _loaded_with(self.loaded_pairs, self.validation_pairs)

    @property
    def config_name(self) -> str:
        """The name of the dataset's configuration in the card. It changes with the rows: ``datasets`` caches by folder and this name, and
        would return the earlier rows."""
        return f"{self.settings.data_generation_task_type.value.lower()}-{self.digest}"

    @property
    def pairs_config_name(self) -> str:
        """That of the pairs."""
        return f"{self.settings.data_generation_task_type.value.lower()}-pairs-{self.digest}"

    @property
    def whole_folder(self) -> str:
        """The folder of the hand-off, wherever a command that reads it is started."""
        return self.folder if is_remote(self.folder) else os.path.abspath(self.folder)

    @property
    def is_plain_chat(self) -> bool:
        """Whether the dataset is one file whose rows are messages with only role and content, as the fine-tuning services require."""
        settings = self.settings
        is_one_file = settings.output_shards is None and self.is_jsonl
        is_bare = not settings.has_metadata and settings.teacher_model_top_logprobs is None
        return is_one_file and is_bare and STUDENT_FORMATS[settings.student_format].is_chat and settings.reasoning != "field"

    def student(self, azureml: bool) -> str:
        """The student's name, if it is of the requested kind (Azure ML or other); else a placeholder."""
        name = self.settings.student_model
        if name is None or name.startswith("azureml:") is not azureml:
            return f"azureml:{PLACEHOLDER}:1" if azureml else PLACEHOLDER
        return name


def _loaded_with(first: str | None, other: str | None) -> str | None:
    """The other file, if both are Parquet or neither is."""
    if first is None or other is None:
        return None
    parquet = [path.lower().endswith((".parquet", ".pq")) for path in (first, other)]
    return other if parquet[0] == parquet[1] else None


def commented(lines: list[str]) -> str:
    """Lines as a comment at the beginning of a YAML file."""
    return "".join(f"# {line}\n" for line in lines)
