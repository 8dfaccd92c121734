"""Where values come from, in this order: flag, environment ``BEAM_DISTILL_<NAME>``, config file, default."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from beam_distill.config.azureml_job import KEY_VARIABLE, JobFile, is_job, read_job
from beam_distill.config.errors import SettingsError
from beam_distill.config.fields import plainly
from beam_distill.config.settings import DistillSettings, advice, contradictions
from beam_distill.config.view import ViewSettings

ENVIRONMENT_PREFIX = "BEAM_DISTILL_"
_LITERAL_KEYS = frozenset({"api_key", "apikey", "key", "token", "bearer", "secret", "password", "teacher_model_endpoint_key"})
_MASKED = frozenset({"additional_headers", "extra_body"})


@dataclass(frozen=True, slots=True)
class ResolvedSettings:
    """Settings, where each that was given came from (the rest are defaults), and what is probably not meant."""

    settings: DistillSettings
    origins: dict[str, str]
    warnings: list[str]


def setting_names() -> list[str]:
    """All names, in the order of their declaration."""
    return list(DistillSettings.model_fields)


def resolve(
    flags: Mapping[str, Any], config_path: str | None, environ: Mapping[str, str], earlier: tuple[str, Mapping[str, Any]] | None = None
) -> ResolvedSettings:
    """Put the sources together. Raises SettingsError with everything that is wrong.

    ``earlier`` is the name and the settings of an earlier run, which every other source wins over.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []
    layers: list[tuple[str, dict[str, Any]]] = []
    job: JobFile | None = None
    if earlier is not None:
        layers.append((earlier[0], dict(earlier[1])))
    if config_path is not None:
        fields = _read_config(config_path)
        if is_job(fields):
            job = read_job(fields, config_path)
            fields = job.inputs
        layers.append((f"config file {config_path}", fields))
    layers.append(("environment", _from_environment(environ)))
    layers.append(("flag", dict(flags)))
    names = setting_names()
    for origin, layer in layers:
        for raw_name, value in layer.items():
            name = str(raw_name).replace("-", "_")
            if name in _LITERAL_KEYS:
                problems.append(_literal_key(f"{name} ({origin})"))
            elif name not in names:
                shown = f"{ENVIRONMENT_PREFIX}{name.upper()}" if origin == "environment" else raw_name
                problems.append(f"{shown} ({origin}): no such setting{_nearest(name, names)}")
            elif isinstance(value, str) and "${{" in value:
                problems.append(f"{name} ({origin}): {value!r} holds an expression that nobody has filled in")
            elif value is None or (isinstance(value, str) and not value.strip()):
                values.pop(name, None)  # an empty value takes a lower source's value away
                origins.pop(name, None)
            else:
                values[name] = value
                origins[name] = f"environment {ENVIRONMENT_PREFIX}{name.upper()}" if origin == "environment" else origin
    warnings = _access_of_job(job, values, origins) if job is not None else []
    problems += [
        f"{name} ({origins[name]}): {values[name]} is an asset in Azure ML; download it and give its path as --{name}"
        for name in ("train_file_path", "validation_file_path")
        if str(values.get(name, "")).startswith("azureml:")
    ]
    try:
        settings = DistillSettings(**values)
    except ValidationError as error:
        raise SettingsError(problems + [_problem(item, values, origins) for item in error.errors(include_url=False)]) from None
    problems.extend(contradictions(settings, origins))
    if job is not None and settings.api_key_env == KEY_VARIABLE:
        if settings.runner != "direct":
            problems.append(
                f"api_key (config file {job.path}): the workers of {settings.runner} cannot see a key that stands in a file of this machine; "
                "put it where they can and name the place with --api_key_env NAME or --api_key_file PATH"
            )
        elif not problems and job.key is not None:
            os.environ[KEY_VARIABLE] = job.key  # workers are processes of this machine and inherit it
    if problems:
        raise SettingsError(problems)
    return ResolvedSettings(settings, origins, warnings + advice(settings, origins))


def view_settings(flags: Mapping[str, Any]) -> ViewSettings:
    """The inputs about what a person sees, of a command that takes no others. Raises SettingsError."""
    try:
        return ViewSettings(**flags)
    except ValidationError as error:
        raise SettingsError([_problem(item, flags, dict.fromkeys(flags, "flag")) for item in error.errors(include_url=False)]) from None


_ACCESS = ("api_key_env", "api_key_file", "authentication_type", "connection_name")
_ENDPOINT = ("teacher_model_endpoint_url", "teacher_model_endpoint_name")
_ABOUT_ENDPOINT = (*_ENDPOINT, "teacher_model_asset_id", "endpoint_kind")


def _access_of_job(job: JobFile, values: dict[str, Any], origins: dict[str, str]) -> list[str]:
    """Let what a job file says about its endpoint hold for the endpoint that it names, and no other; what to say about it."""
    file = f"config file {job.path}"
    elsewhere = any(origins.get(name, file) != file for name in _ACCESS)
    moved = _another_endpoint(job, values, origins)
    warnings = list(job.warnings)
    for name in (*_ABOUT_ENDPOINT, "connection_name", "authentication_type"):
        if origins.get(name) == file and (moved or (elsewhere and name in _ACCESS)):
            del values[name], origins[name]
            if moved and not (elsewhere and name in _ACCESS):
                warnings.append(f"{job.path}: its {name} is not used, because another {moved} is given")
    if job.key is None or elsewhere:
        return warnings
    if moved:
        return [*warnings, f"{job.path}: its api_key is not sent, because another {moved} is given"]
    values["api_key_env"], origins["api_key_env"] = KEY_VARIABLE, file
    return [
        *warnings,
        f"{job.path}: the api_key that stands in it is used; whoever can read the file can read the key. "
        "Take it out and name its place with --api_key_env NAME or --api_key_file PATH",
    ]


def _another_endpoint(job: JobFile, values: dict[str, Any], origins: dict[str, str]) -> str | None:
    """The input by which another endpoint is given than the one that the file names; None while it is the file's, or the file names none."""
    if not any(job.inputs.get(name) for name in _ENDPOINT):
        return None
    given = (name for name in _ENDPOINT if name in origins and origins[name] != f"config file {job.path}")
    return next((name for name in given if values[name] != job.inputs.get(name)), None)


def check_leftovers(leftovers: list[str], known_beam_options: Iterable[str]) -> list[str]:
    """Command-line arguments that are no inputs of ours: Beam's are given back, others raise SettingsError."""
    beam_names = {name.replace("-", "_") for name in known_beam_options}
    problems: list[str] = []
    expects_value = False
    for argument in leftovers:
        if not argument.startswith("--"):
            if not expects_value:
                problems.append(f"unexpected argument {argument!r}")
            expects_value = False
            continue
        name, equals, _ = argument[2:].partition("=")
        name = name.replace("-", "_")
        if name in _LITERAL_KEYS:
            problems.append(_literal_key(f"--{name}"))
            expects_value = True
        elif name in beam_names:
            expects_value = not equals
        else:
            near = _nearest(name, [*setting_names(), *beam_names])
            if name == "beam_options":
                near = "; it stands in the config file only, and here Beam's options are given by their own names"
            problems.append(f"--{name}: no such flag{near}")
            expects_value = not equals
    if problems:
        raise SettingsError(problems)
    return leftovers


def _read_config(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"config: {path} cannot be read: {plainly(error)}"]) from None
    try:
        if path.endswith(".json"):
            fields = json.loads(text)
        else:
            import yaml  # only people with a YAML file wait for it

            try:
                fields = yaml.safe_load(text)
            except yaml.YAMLError as error:
                mark = getattr(error, "problem_mark", None)
                where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
                raise ValueError(where + (getattr(error, "problem", None) or str(error))) from None
    except ValueError as error:
        raise SettingsError([f"config: {path} is no valid {'JSON' if path.endswith('.json') else 'YAML'}: {error}"]) from None
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise SettingsError([f"config: {path} must hold names with values, as in 'train_file_path: data/train.jsonl'; it holds something else"])
    return fields


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {name[len(ENVIRONMENT_PREFIX) :].lower(): value for name, value in environ.items() if name.startswith(ENVIRONMENT_PREFIX)}


def _problem(item: Any, values: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    name = str(item["loc"][0])
    if item["type"] == "missing":
        described = DistillSettings.model_fields[name].description
        return f"{name}: missing; give it as --{name}, {ENVIRONMENT_PREFIX}{name.upper()} or in the config file ({described})"
    message = _expected(item, str(values.get(name, "")))
    shown = "" if name in _MASKED else f" is {values.get(name)!r}"
    return f"{name} ({origins.get(name, 'default')}){shown}: {message}"


_BOUNDS = {"less_than_equal": ("at most", "le"), "greater_than_equal": ("at least", "ge"), "less_than": ("less than", "lt")}
_BOUNDS["greater_than"] = ("more than", "gt")
_KINDS = {"int_parsing": "a whole number", "int_from_float": "a whole number", "int_type": "a whole number", "float_parsing": "a number"}
_KINDS |= {"float_type": "a number", "finite_number": "a number that is not infinite", "string_type": "text", "dict_type": "names with values"}


def _expected(item: Any, value: str) -> str:
    """What pydantic found, in the words of the other messages."""
    kind, context = item["type"], item.get("ctx") or {}
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"expected {words} {context[key]:g}"
    if kind in _KINDS:
        return f"expected {_KINDS[kind]}"
    if kind == "literal_error":
        listed = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return f"expected one of {listed}{_nearest(value, listed.split(', '))}"
    message = str(item["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _literal_key(where: str) -> str:
    return f"{where}: a key is not taken as a value, where others could read it; name its place with --api_key_env NAME or --api_key_file PATH"


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
