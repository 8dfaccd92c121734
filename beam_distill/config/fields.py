"""Inputs as text, JSON or sizes to typed values. Every error says what was expected."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import BeforeValidator, PlainSerializer

from beam_distill.config.data_address import from_home
from beam_distill.config.json_value import check_json
from beam_distill.config.secrets import MASK, is_secret_name, looks_like_secret, secret_places, without_secrets
from transforms.elements.judge_settings import with_judges_settings
from transforms.elements.variables import with_variables
from transforms.teacher.address import chat_completions_url
from transforms.teacher.header_values import only_references
from transforms.teacher.kinds.registry import KINDS

if TYPE_CHECKING:
    EndpointKindName = str
else:
    EndpointKindName = Literal[tuple(kind.value for kind in KINDS)]

AuthenticationType = Literal["azureml_workspace_connection", "managed_identity", "api_key", "none"]

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?b?|b)?\s*\Z", re.IGNORECASE)
_UNIT_BYTES = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_OWN_HEADERS = frozenset({"content-type", "content-length", "host", "transfer-encoding", "connection"})
_FLAGS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
NOT_SENT = "none"
"""The value for a sampling parameter that is not sent."""
NOT_TO_OVERWRITE = {
    "messages": "the rows' messages cannot be replaced",
    "model": "use --model",
    "stream": "answers are not streamed",
    "n": "one answer per request is asked for",
    "max_tokens": "use teacher_model_max_new_tokens",
    "max_completion_tokens": "use teacher_model_max_new_tokens",
    "max_new_tokens": "use teacher_model_max_new_tokens",
    "temperature": "use teacher_model_temperature",
    "top_p": "use teacher_model_top_p",
    "frequency_penalty": "use teacher_model_frequency_penalty",
    "presence_penalty": "use teacher_model_presence_penalty",
    "stop": "use teacher_model_stop",
    "logprobs": "use teacher_model_top_logprobs",
    "top_logprobs": "use teacher_model_top_logprobs",
}
_NOT_TO_OVERWRITE_OF_JUDGE = {name: own for name, advice in NOT_TO_OVERWRITE.items() if "teacher" not in (own := with_judges_settings(advice))}
"""Those whose setting the judge has too."""
_KEYS_OF_MODELS = {"teacher_model_endpoint_key", "judge_model_endpoint_key", "judge_api_key"}
_LITERAL_KEYS = frozenset({"api_key", "apikey", "key", "token", "bearer", "secret", "password", *_KEYS_OF_MODELS})


def plainly(error: OSError | ValueError) -> str:
    """The error of a file that the message already names."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def read_flag(value: Any) -> Any:
    """``"true"`` and similar as a boolean."""
    if isinstance(value, str):
        flag = _FLAGS.get(value.strip().lower())
        if flag is None:
            raise ValueError("expected true or false")
        return flag
    if isinstance(value, bool):
        return value
    raise ValueError("expected true or false")


def read_number_or_none(value: Any) -> Any:
    """``"none"`` as None, which leaves the parameter out of requests; anything else unchanged."""
    return None if isinstance(value, str) and value.strip().lower() == NOT_SENT else value


def number_shown(value: float | None) -> str:
    """A sampling parameter as text."""
    return "not sent" if value is None else f"{value:g}"


def read_size(value: Any) -> Any:
    """``"100KB"`` as bytes; a K is 1024."""
    if isinstance(value, str):
        match = _SIZE.match(value)
        if match is None:
            raise ValueError('expected a size such as "100KB" or "1.5MB"')
        unit = (match.group(2) or "").lower()[:1]
        return round(float(match.group(1)) * _UNIT_BYTES[unit])
    return value


def read_stop(value: Any) -> Any:
    """Stop texts as a tuple: one text, unchanged, or a list of up to four, also as JSON.

    Text that begins with a bracket is a JSON list only if it is a list of texts: ``[/INST]`` and ``[1]`` are stop texts.
    """
    listed = _stop_list(value) if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)) or not all(isinstance(item, str) and item for item in listed) or len(listed) > 4:
        raise ValueError("expected one text or a JSON list of up to four texts, none empty")
    return tuple(listed)


def _stop_list(text: str) -> list[Any]:
    if not text.lstrip().startswith("["):
        return [text]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        if re.match(r'\s*\[\s*"', text):
            raise ValueError(f"expected one text or a JSON list of texts ({error}); put a text that begins with a bracket into a list") from None
        return [text]
    is_list = isinstance(found, list) and (not found or any(isinstance(item, str) for item in found))
    return found if is_list else [text]


def _mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except RecursionError:
            raise ValueError("is nested too deeply") from None
        except ValueError as error:
            # only the position: the text may contain a secret
            raise ValueError(f"expected a JSON object ({getattr(error, 'msg', 'not JSON')} at column {getattr(error, 'colno', 1)})") from None
    if not isinstance(value, dict):
        raise ValueError('expected a JSON object such as {"name": "value"}')
    return value


def read_headers(value: Any) -> Any:
    """A JSON object as header names and text values; booleans and numbers become text.

    ``${NAME}`` in a value means an environment variable of the worker; secret headers must be given like this.
    """
    headers: dict[str, str] = {}
    for name, content in _mapping(value).items():
        if not isinstance(name, str) or not _HEADER_NAME.match(name):
            raise ValueError(f"{name!r} is not a header name")
        if name.lower() == "content-type" and str(content).strip().lower().startswith("application/json"):
            continue  # it is sent in any case
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"the header {name} is set by the request itself and cannot be replaced")
        if isinstance(content, bool):
            content = "true" if content else "false"
        elif isinstance(content, (int, float)):
            content = str(content)
        if not isinstance(content, str):
            raise ValueError(f"the value of the header {name} must be text, a number or a boolean")
        if any(ord(letter) < 32 or ord(letter) == 127 or ord(letter) > 255 for letter in content):
            raise ValueError(f"the value of the header {name} holds control characters or letters beyond Latin-1")
        if literal_secret(name, content):
            raise ValueError(
                f"the header {name} carries a secret: give the name of an environment variable instead, "
                f'{{"{name}": "{secret_by_name(content)}"}} (or the endpoint\'s key by api_key_env)'
            )
        headers[name] = content
    return headers


def literal_secret(name: str, content: str) -> bool:
    """Whether a header contains a literal secret: a credential's value must have only references, and no value may look like a key."""
    if is_secret_name(name):
        return not only_references(content)
    return looks_like_secret(with_variables(content, lambda variable: " ")) and not only_references(content)


def secret_by_name(content: str) -> str:
    """The replacement of a literal secret: its scheme and a reference."""
    scheme, blank, _ = content.strip().partition(" ")
    return f"{scheme} ${{NAME}}" if blank and scheme.isalpha() and len(scheme) <= 10 else "${NAME}"


def read_extra_body(value: Any) -> Any:
    """A JSON object that does not overwrite any setting."""
    return _read_body(value, NOT_TO_OVERWRITE)


def read_judge_body(value: Any) -> Any:
    """A JSON object for the judge's requests, of which fewer fields are settings. It holds no secret itself."""
    fields = _read_body(value, _NOT_TO_OVERWRITE_OF_JUDGE)
    for place in secret_places(fields):
        raise ValueError(f"{place} is a secret: write ${{NAME}} instead, an environment variable of the worker")
    return fields


def _read_body(value: Any, not_to_overwrite: Mapping[str, str]) -> dict[str, Any]:
    fields = _mapping(value)
    for name in fields:
        if name in not_to_overwrite:
            raise ValueError(f"{name!r} cannot be set here: {not_to_overwrite[name]}")
    check_json(fields)
    return fields


def is_literal_key(name: str) -> bool:
    """Whether an input of this name would contain a key itself."""
    return name in _LITERAL_KEYS


def read_variable_name(value: Any) -> Any:
    """The name of an environment variable. A key instead is refused and not repeated."""
    if isinstance(value, str):
        value = value.strip()
        if _VARIABLE_NAME.match(value) and value in os.environ:
            return value  # also if it looks like a key
        if looks_like_secret(value):
            raise ValueError(
                "expected the name of an environment variable that holds the key, and this looks like the key itself. Set the variable, e.g. "
                "TEACHER_KEY, and give its name. A key that was on a command line is in the shell's history: consider replacing it"
            )
        if not _VARIABLE_NAME.match(value):
            raise ValueError("expected the name of an environment variable (letters, digits, underscores), such as TEACHER_KEY; not its value")
    return value


def read_connection_name(value: Any) -> Any:
    """The name of a connection. A key instead is refused and not repeated."""
    if isinstance(value, str) and looks_like_secret(value):
        raise ValueError("expected the name of a workspace connection, which holds the key, and this looks like the key itself")
    return value


def read_local_path(value: Any) -> Any:
    """A local path; ``~/`` is the home directory."""
    return from_home(value) if isinstance(value, str) else value


def read_key_path(value: Any) -> Any:
    """The path of a file with a key. A key instead is refused and not repeated."""
    if isinstance(value, str) and looks_like_secret(value) and not os.path.isabs(value) and not os.path.exists(value):
        raise ValueError(
            "expected the path of a file that holds the key, and this looks like the key itself. Write it into a file and give the file's path"
        )
    return read_local_path(value)


def read_endpoint_url(value: Any) -> Any:
    """An http or https address. Anything else is refused before it is shown: it may contain a password or be a key."""
    if isinstance(value, str):
        value = value.strip()
        if "://" not in value and looks_like_secret(value):
            raise ValueError("expected an address such as https://host/v1, and this looks like a key; give the key with api_key_env")
        chat_completions_url(value)
        for name, reported in parse_qsl(urlsplit(value).query):
            if (is_secret_name(name) or name.lower() == "code") and not only_references(reported):
                raise ValueError(
                    f"the address holds a secret, its parameter {name}: put it into an environment variable and give that variable's name in "
                    f"the address, as in {name}=${{TEACHER_KEY}}"
                )
    return value


def read_beam_options(value: Any) -> Any:
    """Beam's options by name."""
    if isinstance(value, dict):
        check_json(value)
    return value


def listed_texts(value: Any) -> Any:
    """A JSON list of texts as a list, as rendered job files have it in a variable; anything else unchanged."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return found if isinstance(found, list) else value
    return value


def read_word(value: Any) -> Any:
    """One of a few words, in any case."""
    return value.strip().lower() if isinstance(value, str) else value


def read_name(value: Any) -> Any:
    """One of a few names with underscores, in any case, also written with hyphens."""
    return value.strip().lower().replace("-", "_") if isinstance(value, str) else value


def read_template(value: Any) -> Any:
    """A template, or ``@FILE`` for one in a file."""
    if isinstance(value, str) and value.startswith("@"):
        try:
            with open(from_home(value[1:]), encoding="utf-8-sig") as file:
                return file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file cannot be read: {plainly(error)}") from None
    return value


def read_arm_url(value: Any) -> Any:
    """An https address; plain http only on this machine, since tokens go there."""
    if isinstance(value, str):
        parts = urlsplit(value.strip())
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not parts.hostname or not (parts.scheme == "https" or local) or parts.path.strip("/") or parts.query or parts.username:
            raise ValueError("expected an https address without a path, such as https://management.azure.com")
        return value.strip().rstrip("/")
    return value


def _masked(headers: dict[str, str] | None) -> dict[str, str] | None:
    return None if headers is None else dict.fromkeys(headers, MASK)


LocalPath = Annotated[str, BeforeValidator(read_local_path)]
Flag = Annotated[bool, BeforeValidator(read_flag)]
ArmUrl = Annotated[str, BeforeValidator(read_arm_url)]
NumberOrNone = Annotated[float | None, BeforeValidator(read_number_or_none), PlainSerializer(lambda value: NOT_SENT if value is None else value)]
SizeBytes = Annotated[int, BeforeValidator(read_size)]
StopTexts = Annotated[tuple[str, ...], BeforeValidator(read_stop)]
TemplateText = Annotated[str, BeforeValidator(read_template)]
Headers = Annotated[dict[str, str], BeforeValidator(read_headers), PlainSerializer(_masked)]
ExtraBody = Annotated[dict[str, Any], BeforeValidator(read_extra_body), PlainSerializer(without_secrets, when_used="json")]
JudgeBody = Annotated[dict[str, Any], BeforeValidator(read_judge_body)]
BeamOptions = Annotated[dict[str, Any], BeforeValidator(read_beam_options), PlainSerializer(without_secrets, when_used="json")]
VariableName = Annotated[str, BeforeValidator(read_variable_name)]
ConnectionName = Annotated[str, BeforeValidator(read_connection_name)]
KeyPath = Annotated[str, BeforeValidator(read_key_path)]
EndpointUrl = Annotated[str, BeforeValidator(read_endpoint_url)]
