"""The sources of values, in this order: flag, environment ``BEAM_DISTILL_<NAME>``, config file, default."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from beam_distill.config.azureml_job import KEY_VARIABLE, JobFile, is_job, read_job
from beam_distill.config.config_file import read_config_file
from beam_distill.config.contradictions import advice, contradictions, missing_endpoint
from beam_distill.config.errors import SettingsError
from beam_distill.config.fields import is_literal_key
from beam_distill.config.json_value import half_character
from beam_distill.config.settings import ACCESS, PATHS, DistillSettings
from beam_distill.config.suggestions import nearest, suggestion
from beam_distill.config.view import ViewSettings
from transforms.elements.variables import variables_in
from transforms.teacher.header_values import referenced_variables

ENVIRONMENT_PREFIX = "BEAM_DISTILL_"
_MASKED = frozenset(
    {
        "additional_headers",
        "extra_body",
        "beam_options",
        "api_key_env",
        "api_key_file",
        "judge_api_key_env",
        "judge_api_key_file",
        "judge_model_endpoint_url",
        "judge_connection_name",
        "judge_extra_body",
        "teacher_model_endpoint_url",
        "connection_name",
        "teachers",
    }
)


@dataclass(frozen=True, slots=True)
class ResolvedSettings:
    """Settings, the sources of the given ones (the rest are defaults), and warnings.

    ``secrets`` are literal secrets of the config file, by the environment variables that replace them in the settings; set these before
    sending requests or starting the processes that do.
    """

    settings: DistillSettings
    origins: dict[str, str]
    warnings: list[str]
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


def setting_names() -> list[str]:
    """All names, in the order of their declaration."""
    return list(DistillSettings.model_fields)


def resolve(
    flags: Mapping[str, Any],
    config_path: str | None,
    environ: Mapping[str, str],
    earlier: tuple[str, Mapping[str, Any]] | None = None,
    given_as: str = "flag",
) -> ResolvedSettings:
    """Combine the sources. Raises SettingsError with all errors.

    ``earlier`` is the name and the settings of an earlier run, which every other source overrides. ``given_as`` is the name of ``flags``
    in messages and origins: for a function they are keyword arguments.
    """
    fields, job = _from_file(config_path) if config_path is not None else ({}, None)
    layers = [
        earlier or ("", {}),
        (f"config file {config_path}", fields),
        ("environment", _from_environment(environ)),
        (given_as, dict(flags)),
    ]
    values, origins, problems = _merged(layers)
    warnings = _access_of_job(job, values, origins) if job is not None else []
    try:
        settings = DistillSettings(**values)
    except ValidationError as error:
        found = [_problem(item, values, origins, job) for item in error.errors(include_url=False)]
        raise SettingsError([*problems, *found, *missing_endpoint(values)]) from None
    problems.extend(contradictions(settings, origins))
    secrets = _secrets_of_job(job, settings) if job is not None else {}
    if job is not None and settings.runner != "direct":
        problems += [
            f"{name} (config file {job.path}): the workers of {settings.runner} cannot see a key that is in a file of this machine; "
            "put it where they can and name the place"
            + (" with --api_key_env NAME or --api_key_file PATH" if name == "api_key" else ": ${NAME} is a variable of theirs")
            for name in dict.fromkeys(name for name, _ in secrets.values())
        ]
    if problems:
        raise SettingsError(problems)
    return ResolvedSettings(settings, origins, warnings + advice(settings, origins), {name: secret for name, (_, secret) in secrets.items()})


def _from_file(path: str) -> tuple[dict[str, Any], JobFile | None]:
    """The settings in a config file, and what else there is in one of Azure ML. Raises SettingsError."""
    fields = read_config_file(path)
    if not is_job(fields):
        return fields, None
    job = read_job(fields, path)
    return job.inputs, job


def _merged(layers: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Values and their origins by setting, and what is wrong with them. A later layer overrides those before it."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []
    names = setting_names()
    for origin, layer in layers:
        layer = _with_several_endpoints(layer)
        _leave_lower_endpoints(layer, values, origins)
        for raw_name, raw_value in layer.items():
            name = str(raw_name).replace("-", "_")
            value = os.fsdecode(raw_value) if isinstance(raw_value, os.PathLike) else raw_value
            if is_literal_key(name):
                problems.append(_literal_key(f"{name} ({origin})"))
            elif name not in names:
                shown = f"{ENVIRONMENT_PREFIX}{name.upper()}" if origin == "environment" else raw_name
                problems.append(f"{shown} ({origin}): no such setting{suggestion(name, names)}")
            elif isinstance(value, str) and "${{" in value:
                problems.append(f"{name} ({origin}): {value!r} contains an expression that was not filled in")
            elif is_empty(name, value):
                values.pop(name, None)  # an empty value removes a lower source's value
                origins.pop(name, None)
            elif isinstance(value, str) and name not in PATHS and half_character(value):
                problems.append(f"{name} ({origin}): holds half of a character, or bytes that are not UTF-8; write it again")
            else:
                values[name] = value
                origins[name] = f"environment {ENVIRONMENT_PREFIX}{name.upper()}" if origin == "environment" else origin
    return values, origins, problems


def _with_several_endpoints(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Several addresses are a list of teachers."""
    fields = {str(name).replace("-", "_"): value for name, value in layer.items()}
    addresses = fields.get("teacher_model_endpoint_url")
    if not isinstance(addresses, (list, tuple)) or fields.get("teachers") is not None:
        return layer
    named = [address for address in addresses if address] or addresses[:1]  # templates leave some empty
    others = {name: value for name, value in fields.items() if name != "teacher_model_endpoint_url"}
    return {**others, "teacher_model_endpoint_url": named[0]} if len(named) == 1 else {**others, "teachers": list(named)}


def _leave_lower_endpoints(layer: Mapping[str, Any], values: dict[str, Any], origins: dict[str, str]) -> None:
    """If a source names the teacher in one way, remove a lower source's value for the other way."""
    single = ("teacher_model_endpoint_url", "teacher_model_endpoint_name", "connection_name")
    for given, others in ((("teachers",), single), (single, ("teachers",))):
        if any(not is_empty(name, layer.get(name)) for name in given):
            for name in others:
                values.pop(name, None)
                origins.pop(name, None)


def view_settings(flags: Mapping[str, Any]) -> ViewSettings:
    """The inputs of the view, for a command that takes no others. Raises SettingsError."""
    try:
        return ViewSettings(**flags)
    except ValidationError as error:
        raise SettingsError([_problem(item, flags, dict.fromkeys(flags, "flag")) for item in error.errors(include_url=False)]) from None


def _secrets_of_job(job: JobFile, settings: DistillSettings) -> dict[str, tuple[str, str]]:
    """The secrets of a job file that the settings use, by variable: the input's name and the secret."""
    found = {}
    if settings.api_key_env == KEY_VARIABLE and job.key is not None:
        found[KEY_VARIABLE] = ("api_key", job.key)
    used = referenced_variables((settings.additional_headers or {}).values())
    return found | {name: ("additional_headers", value) for name, value in job.secret_headers.items() if name in used}


_ENDPOINT = ("teacher_model_endpoint_url", "teacher_model_endpoint_name")
_ABOUT_ENDPOINT = (*_ENDPOINT, "teacher_model_asset_id", "endpoint_kind")


def _access_of_job(job: JobFile, values: dict[str, Any], origins: dict[str, str]) -> list[str]:
    """Apply a job file's endpoint inputs only to the endpoint that it names. Returns warnings."""
    file = f"config file {job.path}"
    elsewhere = any(origins.get(name, file) != file for name in ACCESS)
    moved = _another_endpoint(job, values, origins)
    warnings = list(job.warnings)
    for name in (*_ABOUT_ENDPOINT, "connection_name", "authentication_type"):
        if origins.get(name) == file and (moved or (elsewhere and name in ACCESS)):
            del values[name], origins[name]
            if moved and not (elsewhere and name in ACCESS):
                warnings.append(f"{job.path}: its {name} is not used, because another {moved} is given")
    warnings += _headers_of_job(job, values, origins, moved)
    if job.key is None or elsewhere:
        return warnings
    if moved:
        return [*warnings, f"{job.path}: its api_key is not sent, because another {moved} is given"]
    values["api_key_env"], origins["api_key_env"] = KEY_VARIABLE, file
    return [
        *warnings,
        f"{job.path}: the api_key in it is used; anyone who can read the file can read the key. "
        "Remove it and pass its location with --api_key_env NAME or --api_key_file PATH",
    ]


def _headers_of_job(job: JobFile, values: dict[str, Any], origins: dict[str, str], moved: str | None) -> list[str]:
    """Do not send the file's secret headers to another endpoint. Returns warnings."""
    if not job.secret_headers or origins.get("additional_headers") != f"config file {job.path}":
        return []
    headers = values["additional_headers"]
    secret = [name for name, value in headers.items() if not job.secret_headers.keys().isdisjoint(variables_in(str(value)))]
    listed = ", ".join(secret)
    if moved:
        values["additional_headers"] = {name: value for name, value in headers.items() if name not in secret}
        return [f"{job.path}: {listed} of its additional_headers is not sent, because another {moved} is given"]
    return [
        f"{job.path}: additional_headers: the secret in {listed} is used; anyone who can read the file can read it. "
        "Replace it by ${NAME}, an environment variable"
    ]


def _another_endpoint(job: JobFile, values: dict[str, Any], origins: dict[str, str]) -> str | None:
    """The input that names another endpoint than the file; None if it is the file's, or the file names none."""
    if not any(job.inputs.get(name) for name in _ENDPOINT):
        return None
    given = (name for name in _ENDPOINT if name in origins and origins[name] != f"config file {job.path}")
    return next((name for name in given if values[name] != job.inputs.get(name)), None)


def check_leftovers(leftovers: list[str], known_beam_options: Iterable[str], command: str = "run") -> list[str]:
    """Command-line arguments that ``command`` does not declare: returns Beam's; others raise SettingsError."""
    beam_names = {name.replace("-", "_") for name in known_beam_options}
    problems: list[str] = []
    expects_value = False
    for argument in leftovers:
        if not argument.startswith("--"):
            if not expects_value:
                problems.append(f"unexpected argument {argument!r}{_unquoted(argument)}")
            expects_value = False
            continue
        name, equals, _ = argument[2:].partition("=")
        name = name.replace("-", "_")
        if is_literal_key(name):
            problems.append(_literal_key(f"--{name}"))
            expects_value = True
        elif name in beam_names:
            expects_value = not equals
        else:
            problems.append(f"--{name}: {_not_taken(name, beam_names, command)}")
            expects_value = not equals
    if problems:
        raise SettingsError(problems)
    return leftovers


def _not_taken(name: str, beam_names: Iterable[str], command: str) -> str:
    if name == "beam_options":
        return "no such flag; it is for the config file only, and here Beam's options are given by their own names"
    if name == "teachers":
        return "no such flag; it is for the config file only, and here --teacher_model_endpoint_url may be given several times"
    if name in setting_names():
        return f"{command} does not take it"
    return "no such flag" + suggestion(name, setting_names(), beam_names, "--")


_OTHER_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"


def _unquoted(argument: str) -> str:
    """Advice about an unexpected file, for the shell has expanded a pattern; or about a dash that only looks like one."""
    if argument and argument[0] in _OTHER_DASHES:
        return f". It begins with {argument[0]} (U+{ord(argument[0]):04X}), as word processors write dashes, and a flag with two hyphens: --"
    if not os.path.exists(argument):
        return ""
    folder, suffix = os.path.split(argument)[0], os.path.splitext(argument)[1]
    pattern = os.path.join(folder, f"*{suffix}")
    return f". Several files are one pattern in quotes, which the shell would replace by their names: --train_file_path '{pattern}'"


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    return {name[len(ENVIRONMENT_PREFIX) :].lower(): value for name, value in environ.items() if name.startswith(ENVIRONMENT_PREFIX)}


def is_empty(name: str, value: Any) -> bool:
    """Whether a value means "not given"; white space is a valid stop text."""
    return value is None or (isinstance(value, str) and not (value if name == "teacher_model_stop" else value.strip()))


def _problem(item: Any, values: Mapping[str, Any], origins: Mapping[str, str], job: JobFile | None = None) -> str:
    name = str(item["loc"][0])
    if item["type"] == "missing":
        if job is not None and name in job.from_elsewhere:
            return f"{name} ({job.path}): comes from {job.from_elsewhere[name]}, which is not run here; give its result as --{name}"
        described = DistillSettings.model_fields[name].description
        return f"{name}: missing; give it as --{name}, {ENVIRONMENT_PREFIX}{name.upper()} or in the config file ({described})"
    message = _expected(item, values.get(name, ""))
    given = values.get(name)
    if isinstance(given, str) and "://" in given:
        given = given.partition("?")[0]  # the rest may be a signature
    shown = "" if name in _MASKED else f" is {given!r}"
    if len(item["loc"]) > 1 and name == "teachers":
        name = f"teachers, entry {item['loc'][1] + 1}, {item['loc'][-1]}"
        return f"{name} ({origins.get('teachers', 'default')}): {_expected(item, '')}"
    return f"{name} ({origins.get(name, 'default')}){shown}: {message}"


_BOUNDS = {"less_than_equal": ("at most", "le"), "greater_than_equal": ("at least", "ge"), "less_than": ("less than", "lt")}
_BOUNDS["greater_than"] = ("more than", "gt")
_KINDS = {"int_parsing": "a whole number", "int_from_float": "a whole number", "int_type": "a whole number", "float_parsing": "a number"}
_KINDS |= {"float_type": "a number", "finite_number": "a number that is not infinite", "string_type": "text", "dict_type": "names with values"}


def _expected(item: Any, value: Any) -> str:
    """pydantic's error, in the style of our messages.

    ``value`` is shown only if it is text: a few lines of YAML can describe gigabytes.
    """
    kind, context = item["type"], item.get("ctx") or {}
    if kind in _BOUNDS:
        words, key = _BOUNDS[kind]
        return f"expected {words} {context[key]:g}"
    if kind == "string_type" and isinstance(value, (bool, int, float)):
        return "expected text; write it in quotes, or YAML makes a number, true or false of it"
    if kind in _KINDS:
        return f"expected {_KINDS[kind]}"
    if kind == "literal_error":
        listed = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return f"expected one of {listed}{nearest(value, listed.split(', ')) if isinstance(value, str) else ''}"
    message = str(item["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _literal_key(where: str) -> str:
    whose = "judge_" if "judge" in where else ""
    return (
        f"{where}: a key is not accepted as a value, which others could read; pass its location with --{whose}api_key_env NAME or "
        f"--{whose}api_key_file PATH"
    )
