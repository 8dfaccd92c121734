"""Whether a run needs its teacher at all, and the endpoint that its requests name."""

from __future__ import annotations

import logging

from beam_distill.config.settings import DistillSettings
from beam_distill.exit_codes import ExitCode, RunRefused
from beam_distill.preflight import resolve_endpoint
from beam_distill.rows_to_send import endpoint_by_record, is_all_answered, other_requests
from beam_distill.stored_files import is_remote
from beam_distill.wiring import endpoint_spec
from transforms.teacher.specs import EndpointSpec

log = logging.getLogger("beam_distill")


def settle_endpoint(settings: DistillSettings, asks_again: bool) -> tuple[EndpointSpec, bool]:
    """The endpoint with its model settled, and whether anything may be sent to it.

    Where the ledger answers every row, or ``send`` is false, neither the endpoint nor its key is needed. Raises RunRefused.
    """
    if not settings.send:
        return _by_record(settings), False
    if asks_again:
        return resolve_endpoint(settings), True
    if is_remote(settings.resolved_work_dir):  # reading that ledger is not for the command to do, but where nothing else helps
        try:
            return resolve_endpoint(settings), True
        except RunRefused:
            endpoint = _if_all_answered(settings)
            if endpoint is None:
                raise
            return endpoint, False
    endpoint = _if_all_answered(settings)
    if endpoint is not None:
        return endpoint, False
    endpoint = resolve_endpoint(settings)
    sentence = other_requests(settings, endpoint).sentence()
    if sentence:
        log.warning("%s", sentence)
    return endpoint, True


def _if_all_answered(settings: DistillSettings) -> EndpointSpec | None:
    endpoint, _ = endpoint_by_record(settings)
    if endpoint is None or not is_all_answered(settings, endpoint):
        return None
    model = f" for the model {endpoint.model}" if endpoint.model is not None and settings.model is None else ""
    log.info("the ledger answers every row that can be sent%s: the teacher is not needed", model)
    return endpoint


def _by_record(settings: DistillSettings) -> EndpointSpec:
    endpoint, doubt = endpoint_by_record(settings)
    if endpoint is not None:
        return endpoint
    if doubt is not None:
        return endpoint_spec(settings)
    raise RunRefused(
        ExitCode.WRONG_INPUT, f"send: false publishes what the ledger holds, and {settings.resolved_work_dir} holds none; leave send out"
    )
