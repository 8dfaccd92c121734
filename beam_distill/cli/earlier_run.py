"""The settings of an earlier run, from the record in its work_dir, with the current settings on top."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from beam_distill.cli.command import Call
from beam_distill.config.azureml_job import KEY_VARIABLE
from beam_distill.config.errors import SettingsError
from beam_distill.config.secrets import holds_mask
from beam_distill.config.settings import PATHS, DistillSettings
from beam_distill.config.sources import ResolvedSettings, resolve
from beam_distill.work_dir.files import fields_of
from transforms.files.paths import is_remote


def record_of(work_dir: str) -> dict[str, Any]:
    """run.json, or started.json of an unfinished run."""
    found = []
    for name in ("run.json", "started.json"):
        fields = fields_of(f"{work_dir.rstrip('/')}/{name}")
        if fields is not None and isinstance(fields.get("settings"), dict):
            found.append(fields)
    if not found:
        raise SettingsError([f"work_dir: {work_dir} has neither run.json nor started.json; name the work_dir of a run"])
    return max(found, key=lambda fields: str(fields.get("run_id", "")))


def earlier_settings(record: dict[str, Any], environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The earlier run's settings, and the secret settings that its record does not have, each with a message."""
    known = DistillSettings.model_fields
    reported = {name: value for name, value in record["settings"].items() if name in record.get("origins", {}) and name in known}
    folder = str(record.get("working_directory") or ".")
    for name in PATHS:
        value = reported.get(name)
        if isinstance(value, str) and not is_remote(value):
            reported[name] = os.path.join(folder, value)
    missing: dict[str, str] = {}
    headers = reported.get("additional_headers")
    if isinstance(headers, dict) and headers:
        del reported["additional_headers"]
        missing["additional_headers"] = (
            f"additional_headers: the values of {', '.join(headers)} are secret and not in run.json; give --additional_headers again"
        )
    if holds_mask(reported.get("extra_body")):
        del reported["extra_body"]
        missing["extra_body"] = "extra_body: a secret in it is not in run.json; give --extra_body again"
    options = reported.get("beam_options")
    if isinstance(options, dict):
        reported["beam_options"] = {name: value for name, value in options.items() if not holds_mask(value)}
    if reported.get("api_key_env") == KEY_VARIABLE and KEY_VARIABLE not in environ:
        del reported["api_key_env"]
        missing["api_key_env"] = (
            "api_key_env: the key was in a job file; give that file with --config, or name the key's place with --api_key_env NAME"
        )
    return reported, missing


def on_top_of_earlier(call: Call, record: Mapping[str, Any], earlier: Mapping[str, Any]) -> ResolvedSettings:
    """The settings: flags, environment and config file override those of the ``earlier`` run. Raises SettingsError."""
    flags = {**call.inputs, "work_dir": call.work_dir}
    return resolve(flags, call.config, call.environ, earlier=(f"earlier run {record.get('run_id', '')}", earlier))
