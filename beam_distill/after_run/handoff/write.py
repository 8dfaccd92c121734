"""Writes the hand-off files next to the training dataset, and removes those of an earlier run."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from contextlib import suppress
from dataclasses import dataclass

from apache_beam.io.filesystems import FileSystems

from beam_distill.after_run.handoff import azureml_finetuning, dataset_card, openai_finetuning, trl_dpo, trl_sft
from beam_distill.after_run.handoff.published_run import HandoffFacts
from beam_distill.after_run.result import preference_of
from beam_distill.config.settings import DistillSettings
from beam_distill.job.handoff_folder import handoff_folder
from beam_distill.work_dir.files import fields_of, write_text
from transforms.elements.storable_text import storable_text
from transforms.elements.tally import Verdict
from transforms.files.matching import matching_files
from transforms.files.paths import is_remote
from transforms.files.stored import exists, files_for, state_of

log = logging.getLogger("beam_distill")

WRITTEN = ".written.json"
"""Digests of the files as we wrote them: a file that differs was changed by the user, and stays."""


@dataclass(frozen=True, slots=True)
class WrittenHandoff:
    """A folder with the files for the training; ``holds`` names them as text."""

    folder: str
    holds: str


def write_handoff(settings: DistillSettings, verdict: Verdict, datasets: dict[str, str], teacher: str | None) -> WrittenHandoff | None:
    """Write the files for the published datasets; None without a training dataset. Raises OSError."""
    output = settings.generated_batch_train_file_path
    folder = handoff_folder(output)
    if "train" not in datasets:
        remove_handoff(output)  # it would describe a dataset that does not exist
        return None
    validation = datasets.get("validation")
    counts = {part.split.value: part.tally.pairs for part in verdict.splits}
    pairs = [datasets.get(preference_of(split)) if counts.get(split) else None for split in ("train", "validation")]
    with_rows = [part.split.value for part in verdict.splits if part.published and part.tally.examples]
    facts = HandoffFacts(
        settings,
        verdict,
        folder,
        _from(folder, datasets["train"]),
        _from(folder, validation) if validation is not None and "validation" in with_rows else None,
        teacher,
        _digest_of([path for path in (datasets["train"], validation, *pairs) if path is not None]),
        *(_from(folder, path) if path is not None else None for path in pairs),
    )
    texts = {
        azureml_finetuning.FILE: azureml_finetuning.azureml_finetuning(facts),
        openai_finetuning.FILE: openai_finetuning.openai_finetuning(facts),
        trl_sft.FILE: trl_sft.trl_sft(facts),
        trl_dpo.FILE: trl_dpo.trl_dpo(facts),
    }
    texts[dataset_card.FILE] = dataset_card.dataset_card(facts, [name for name, text in texts.items() if text is not None])
    _write_whole(folder, {name: storable_text(text) for name, text in texts.items() if text is not None})
    return WrittenHandoff(folder, _named([name for name, text in texts.items() if text is not None], settings.student_format))


_NAMES = {
    azureml_finetuning.FILE: "Azure ML job",
    openai_finetuning.FILE: "OpenAI request",
    trl_sft.FILE: "TRL configuration",
    trl_dpo.FILE: "TRL configuration for pairs",
    dataset_card.FILE: "dataset card",
}


def _named(files: list[str], student_format: str) -> str:
    if files == [dataset_card.FILE]:
        return f"dataset card only: {student_format} rows are for other trainers"
    return ", ".join(_NAMES[name] for name in files)


def remove_handoff(train_output: str) -> None:
    """Remove the files of an earlier run, except those that the user has changed."""
    _remove_unchanged(handoff_folder(train_output))


def _write_whole(folder: str, texts: dict[str, str]) -> None:
    """Write the files atomically, except those that the user has changed."""
    earlier = _digests(folder)
    _remove_unchanged(folder, keep_listing=True)
    written = {}
    for name, text in texts.items():
        path = FileSystems.join(folder, name)
        if not exists(path):
            written[name] = text
        elif earlier is None:  # it is not known who wrote it
            _keep_aside(path)
            written[name] = text
        else:
            log.info("%s was changed by hand and is kept; remove it to have it written again", path)
    # the listing first: a killed run must not leave a file that looks like the user's
    write_text(FileSystems.join(folder, WRITTEN), json.dumps({name: _digest(text.encode()) for name, text in written.items()}) + "\n")
    for name, text in written.items():
        write_text(FileSystems.join(folder, name), text)


def _keep_aside(path: str) -> None:
    aside = f"{path}.previous"
    log.info("%s is kept as %s: it is not known which files are from an earlier run", path, aside)
    if exists(aside):
        files_for(aside).remove(aside)
    FileSystems.rename([path], [aside])


def _remove_unchanged(folder: str, keep_listing: bool = False) -> None:
    digests = _digests(folder)
    for name, digest in (digests or {}).items():
        path = FileSystems.join(folder, name)
        if exists(path) and _digest(files_for(path).read(path)) in (digest, _digest(b"")):
            files_for(folder).remove(path)
    if keep_listing:
        return
    if digests is not None:
        files_for(folder).remove(FileSystems.join(folder, WRITTEN))
    if not is_remote(folder):
        with suppress(OSError):  # the user's files there stay
            os.rmdir(folder)


def _digests(folder: str) -> dict[str, str] | None:
    """The digests of our files there, by name; empty without any, None if the listing is damaged."""
    listing = FileSystems.join(folder, WRITTEN)
    if not exists(listing):
        return {}
    return fields_of(listing)


def _digest_of(paths: list[str]) -> str:
    """12 hexadecimal digits that change when one of the files is written again. Nothing is read of the files: they may be large."""
    digest = hashlib.blake2b(digest_size=6)
    for path in (path for shown in paths for path in matching_files(shown)):
        size_bytes, written_s = state_of(path)
        digest.update(f"{FileSystems.split(path)[1]} {size_bytes} {written_s}\n".encode())
    return digest.hexdigest()


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _from(folder: str, path: str) -> str:
    if is_remote(path):
        return path
    return os.path.relpath(path, folder).replace(os.sep, "/")
