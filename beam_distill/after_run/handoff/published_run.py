"""What the hand-off files are made from."""

from __future__ import annotations

from dataclasses import dataclass

from beam_distill.config.settings import DistillSettings
from transforms.elements.tally import Verdict
from transforms.students.registry import STUDENT_FORMATS

PLACEHOLDER = "STUDENT_MODEL"
FILL_IN = f"{PLACEHOLDER} is where the model to train belongs; --student_model fills it in."


@dataclass(frozen=True, slots=True)
class HandoffFacts:
    """One published run.

    ``train`` and ``validation`` are the datasets as seen from the ``folder`` of the hand-off, ``validation`` None where there are no such rows.
    ``teacher`` is the model that answered, None where its name is not known. ``digest`` stands for the datasets' bytes.
    """

    settings: DistillSettings
    verdict: Verdict
    folder: str
    train: str
    validation: str | None
    teacher: str | None
    digest: str

    @property
    def is_jsonl(self) -> bool:
        """Whether the training dataset is plain JSONL."""
        packed = self.train.lower().endswith((".parquet", ".pq", ".gz", ".zst", ".zstd", ".bz2", ".xz"))
        return self.settings.output_format != "parquet" and (not packed or self.settings.output_format == "jsonl")

    @property
    def loaded_validation(self) -> str | None:
        """The validation dataset where ``datasets`` can load it together with the other: it wants both as Parquet, or none."""
        if self.validation is None:
            return None
        parquet = [path.lower().endswith((".parquet", ".pq")) for path in (self.train, self.validation)]
        return self.validation if parquet[0] == parquet[1] else None

    @property
    def is_plain_chat(self) -> bool:
        """Whether the rows are messages with nothing but role and content, as the fine-tuning services ask."""
        return self.is_jsonl and STUDENT_FORMATS[self.settings.student_format].is_chat and self.settings.reasoning != "field"

    def student(self, azureml: bool) -> str:
        """The student's name where it is one for Azure ML, or one for elsewhere; a placeholder where it is not."""
        name = self.settings.student_model
        if name is None or name.startswith("azureml:") is not azureml:
            return f"azureml:{PLACEHOLDER}:1" if azureml else PLACEHOLDER
        return name


def commented(lines: list[str]) -> str:
    """Lines as a comment at the head of a YAML file."""
    return "".join(f"# {line}\n" for line in lines)
