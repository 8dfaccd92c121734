"""Checks before paying: input files, outputs, work_dir, credential, endpoint, model."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec
from itertools import islice
from urllib.parse import urlsplit

from beam_distill.before_run.path_checks import path_problems
from beam_distill.config.settings import OUTPUTS, DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.job.azure_endpoint import check_model_name, refusal_advice
from beam_distill.job.specs import endpoint_spec, input_spec, prompt_spec, with_model
from beam_distill.work_dir.files import lacks_client, unknown_filesystem
from transforms.acceptance.label import LabelCheck
from transforms.acceptance.spec import checks_that_need_labels
from transforms.elements.counted import counted
from transforms.elements.data_specs import InputSpec
from transforms.elements.failures import FailureKind
from transforms.elements.rows import PromptRequest
from transforms.files.matching import matching_files
from transforms.files.paths import is_remote
from transforms.files.stored import through_beam
from transforms.intake.formats.base import UnusableFile
from transforms.intake.templates import BadTemplate
from transforms.intake.walk import missing_columns, walk_split
from transforms.prompts.base import format_row
from transforms.prompts.registry import prompt_for
from transforms.teacher.address import other_route
from transforms.teacher.credentials import CredentialMissing, CredentialPending, added_headers, address_of, body_values, credential_headers
from transforms.teacher.kinds.registry import KINDS
from transforms.teacher.probe import ProbeResult, find_route, probe_endpoint
from transforms.teacher.refusal_words import firewall_advice
from transforms.teacher.specs import CredentialKind, EndpointSpec
from transforms.web.proxies import UnusableProxy, is_loopback, proxy_for

log = logging.getLogger("beam_distill")

MOST_PROBLEMS = 10
ROWS_LOOKED_AT = 100
GLANCE_S = 0.5  # one short probe of an endpoint that need not answer before its first row


def check_files(settings: DistillSettings) -> None:
    """Raise RunRefused naming every missing input and every output that cannot be written."""
    spec = input_spec(settings)
    problems = [*_unknown_filesystems(settings), *_bundle_problems(settings), *_library_problems(spec)]
    problems = problems or path_problems(settings, spec)
    problems = problems or _row_problems(spec) or _label_problems(settings, spec)
    if problems:
        raise RunRefused(ExitCode.WRONG_INPUT, "\n".join(problems))


def _bundle_problems(settings: DistillSettings) -> list[str]:
    """CA bundle files that cannot be loaded."""
    problems = []
    for name in ("ca_bundle", "azure_ca_bundle"):
        path = getattr(settings, name)
        if path is None:
            continue
        try:
            ssl.create_default_context(cafile=path)
        except ssl.SSLError as error:
            problems.append(f"{name}: {path} contains no readable certificate ({error.reason or error}); expected a PEM file")
        except OSError as error:
            problems.append(f"{name}: {path} cannot be read: {error.strerror}")
    return problems


def _row_problems(spec: InputSpec) -> list[str]:
    """Files in the wrong format, invalid templates, missing columns."""
    problems: list[str] = []
    others = replace(spec, columns=spec.doubles.against_columns, format=None)
    for reading, pattern in [*((spec, files.pattern) for files in spec.splits), (others, spec.doubles.against)]:
        for path in matching_files(pattern) if pattern else ():
            try:
                found = missing_columns(reading, path)
            except UnusableFile as unusable:
                found = [f"{unusable.detail}"]
            except BadTemplate as error:
                return [str(error)]
            problems.extend(f"{path}: {problem}" for problem in found)
    if len(problems) > MOST_PROBLEMS:
        return [*problems[:MOST_PROBLEMS], f"... and {len(problems) - MOST_PROBLEMS} more like these"]
    return problems


def _library_problems(spec: InputSpec) -> list[str]:
    if not spec.doubles.compares_words or find_spec("rensa") is not None:
        return []
    return [
        "drop_doubles near, drop_leaks and decontaminate_against need the library rensa, which is not installed: pip install rensa. On macOS it "
        "needs Python 3.11 or later. drop_doubles exact works without it"
    ]


def _label_problems(settings: DistillSettings, spec: InputSpec) -> list[str]:
    """Splits whose first rows have no label that an answer could have, if a check refuses such rows."""
    checks = checks_that_need_labels(settings.model_dump(mode="json"))
    if not checks:
        return []
    prompt, problems = prompt_for(prompt_spec(settings)), []
    check = LabelCheck.from_settings(settings.model_dump(mode="json"))
    for files in spec.splits:
        rows = (format_row(prompt, row) for row in walk_split(spec, files)) if files.pattern else ()
        asked = [row for row in islice(rows, ROWS_LOOKED_AT) if isinstance(row, PromptRequest)]
        labelled = [row for row in asked if any(row.references)]
        unlisted = [] if settings.other_labels else [found for row in labelled if (found := check.unlisted(row)) is not None]
        if labelled and len(unlisted) == len(labelled):
            labels, listed = dict.fromkeys(label for label, _ in unlisted), dict.fromkeys(name for _, names in unlisted for name in names)
            problems.append(
                f"checks: {', '.join(checks)} compares answers with the rows' labels, and in none of the first {counted(len(asked), 'row')} of "
                f"{files.pattern} is the label ({_shown(labels)}) one that the row's instructions list ({_shown(listed)}), so no answer would "
                "be right. Write the labels in the file as the instructions name them, numbers of classes as the names of the classes; or "
                "have the instructions list the file's labels; or leave the check out"
            )
        if asked and not labelled:
            problems.append(
                f"checks: {', '.join(checks)} compares answers with the rows' labels, and none of the first {counted(len(asked), 'row')} of "
                f"{files.pattern} has one. Name their column with label_column, end the chats in the right answer, or leave the check out"
            )
        hopeless = len(asked) - len(labelled) + len(unlisted)
        if 0 < hopeless < len(asked) and not problems:
            log.warning("%s", _hopeless(checks, files.pattern, len(asked), len(labelled), [label for label, _ in unlisted]))
    return problems


def _hopeless(checks: tuple[str, ...], pattern: str | None, asked: int, labelled: int, unlisted: list[str]) -> str:
    """A sentence about rows without a label, or with one that no answer can have, among rows with good ones."""
    without, found = asked - labelled, []
    if without:
        found.append(f"{without} {'has' if without == 1 else 'have'} no label")
    if unlisted:
        one = len(unlisted) == 1
        shown = _shown(dict.fromkeys(unlisted))
        found.append(f"{len(unlisted)} {'has' if one else 'have'} a label ({shown}) that {'its' if one else 'their'} instructions do not list")
    return (
        f"checks: {', '.join(checks)} will refuse every answer to {without + len(unlisted)} of the first {counted(asked, 'row')} of {pattern}, "
        f"and each answer is paid for: {'; '.join(found)}. Correct these labels, or leave the rows out"
    )


def _shown(names: Iterable[str]) -> str:
    first = [repr(name[:40]) for name in islice(names, 6)]
    return ", ".join(first[:5]) + (" and others" if len(first) > 5 else "")


def _unknown_filesystems(settings: DistillSettings) -> list[str]:
    problems = []
    for name in ("train_file_path", "validation_file_path", "decontaminate_against", *OUTPUTS, "work_dir"):
        path = getattr(settings, name)
        if path is not None and is_remote(path) and (lacks_client(path) or not through_beam().is_known(path)):
            problems.append(f"{name}: {unknown_filesystem(path)}")
    return problems


def check_credential(endpoint: EndpointSpec, patience_s: float = 0.0) -> None:
    """Raise RunRefused when the credential or another value is not where its reference says, its source does not answer within ``patience_s``
    seconds, or the proxy for the endpoint cannot be used."""
    try:
        proxy_for(endpoint.chat_url)
        credential_headers(endpoint, patience_s)
        added_headers(endpoint)
        body_values(endpoint)
        address_of(endpoint)
    except UnusableProxy as unusable:
        raise RunRefused(ExitCode.WRONG_INPUT, str(unusable)) from None
    except CredentialMissing as missing:
        raise RunRefused(ExitCode.WRONG_INPUT, f"the endpoint's credential: {missing}") from None
    except CredentialPending as pending:
        raise RunRefused(ExitCode.ENDPOINT_STOPPED, f"the endpoint's credential: {pending}") from None


def probe(settings: DistillSettings, endpoint: EndpointSpec) -> ProbeResult:
    """Ask the endpoint for its models. Raises RunRefused when it cannot be reached, refuses us or has another model."""
    check_credential(endpoint, settings.first_answer_patience)
    result = probe_endpoint(endpoint, settings.first_answer_patience)
    if result.tls_fault is not None:
        raise RunRefused(ExitCode.ENDPOINT_STOPPED, f"{endpoint.chat_url} is there, but {result.tls_fault} ({result.detail}).")
    if not result.reached:
        raise RunRefused(
            ExitCode.ENDPOINT_STOPPED,
            f"{endpoint.chat_url} cannot be reached: nothing answered within {settings.first_answer_patience:g} s "
            f"({result.detail}). Is teacher_model_endpoint_url right, and is the server up?",
        )
    if result.refusal is not None:
        raise _refused(endpoint, result)
    if result.is_unready and is_loopback(endpoint.chat_url) and proxy_for(endpoint.chat_url) is not None:
        raise RunRefused(ExitCode.ENDPOINT_STOPPED, f"{endpoint.chat_url} is not reached: {result.detail}")
    check_model_name(settings, endpoint, result.info_model)
    _check_room(settings, endpoint, result)
    return result


def _check_room(settings: DistillSettings, endpoint: EndpointSpec, result: ProbeResult) -> None:
    """Raise RunRefused if the longest answer alone fills the model's context, so that no prompt fits."""
    model = endpoint.model or (result.models[0] if len(result.models) == 1 else None)
    length = dict(result.context_tokens).get(model or "")
    if length is not None and settings.effective_max_new_tokens >= length:
        raise RunRefused(
            ExitCode.WRONG_INPUT,
            f"teacher_model_max_new_tokens is {settings.effective_max_new_tokens}, and the context of {model} has {length} tokens for prompt "
            "and answer together, as the endpoint reports: no prompt fits. Lower teacher_model_max_new_tokens",
        )


def _refused(endpoint: EndpointSpec, result: ProbeResult) -> RunRefused:
    assert result.refusal is not None
    advice = firewall_advice(result.refusal, result.detail.partition(": ")[2]) or refusal_advice(endpoint, result.refusal)
    return RunRefused(ExitCode.ENDPOINT_STOPPED, f"{endpoint.chat_url} refuses: {advice} ({result.detail})")


def settled_route(settings: DistillSettings, endpoint: EndpointSpec) -> EndpointSpec:
    """The endpoint with the existing route, if an address without a version allows two. Raises RunRefused."""
    address = settings.teacher_model_endpoint_url
    if KINDS[endpoint.kind].is_azure or address is None or (other := other_route(address, endpoint.chat_url)) is None:
        return endpoint
    parts = urlsplit(address)
    if parts.path.strip("/") == "" and parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return endpoint  # local servers at their root: they all have /v1
    check_credential(endpoint, settings.first_answer_patience)
    return replace(endpoint, chat_url=find_route(endpoint, other, GLANCE_S))


def resolve_endpoint(settings: DistillSettings) -> EndpointSpec:
    """The endpoint with its model: from the setting, or the only one that the endpoint lists.

    Raises RunRefused. An Azure endpoint is asked whether it accepts our credential. Another endpoint with ``model`` set need not answer, but
    a refused key is reported before rows are sent. Without a key there is nothing to ask.
    """
    endpoint = settle_model(settings, settled_route(settings, endpoint_spec(settings)))
    if lacks_model(endpoint):
        raise RunRefused(ExitCode.WRONG_INPUT, f"model: {NO_MODEL}")
    return endpoint


NO_MODEL = "a request to this endpoint must name its model or deployment, and the endpoint lists none: name it with --model"


def lacks_model(endpoint: EndpointSpec) -> bool:
    """Whether every request would be refused because no model is known."""
    return endpoint.model is None and KINDS[endpoint.kind].needs_model(endpoint.chat_url)


def settle_model(settings: DistillSettings, endpoint: EndpointSpec) -> EndpointSpec:
    """The endpoint with its route and model; see ``resolve_endpoint``."""
    if endpoint.model is not None and not KINDS[endpoint.kind].is_azure:
        check_credential(endpoint, settings.first_answer_patience)
        if endpoint.credential.kind is not CredentialKind.NONE:
            result = probe_endpoint(endpoint, GLANCE_S)
            if result.refusal is FailureKind.UNAUTHORIZED:
                raise _refused(endpoint, result)
        return endpoint
    result = probe(settings, endpoint)
    if endpoint.model is not None:
        return endpoint
    if len(result.models) > 1:
        listed = ", ".join(result.models[:20])
        raise RunRefused(ExitCode.WRONG_INPUT, f"model: the endpoint serves several, choose one with --model: {listed}")
    return with_model(endpoint, result.models[0] if result.models else None)
