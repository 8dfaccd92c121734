"""What each fault of an endpoint's TLS is called, and that a run does not wait for it to pass."""

import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from transforms.elements.failures import FailureKind, RequestFailure, StopCause
from transforms.teacher.health import EndpointHealth
from transforms.teacher.specs import PatienceSpec
from transforms.teacher.tls_faults import tls_fault

KEY = ConnectionKey("models.example", 443, True, True, None, None, None)


def unverified(code: int) -> aiohttp.ClientConnectorCertificateError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return aiohttp.ClientConnectorCertificateError(KEY, error)


def broken(reason: str) -> aiohttp.ClientConnectorSSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return aiohttp.ClientConnectorSSLError(KEY, error)


def refused_later(reason: str) -> aiohttp.ClientOSError:
    """TLS 1.3 refuses a client when its request is read, not in the handshake."""
    cause = ssl.SSLError(1, reason)
    cause.reason = reason
    error = aiohttp.ClientOSError(1, reason)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (unverified(18), "as ca_bundle"),  # signed by itself
        (unverified(19), "as ca_bundle"),  # an authority of the company's in the chain
        (unverified(20), "as ca_bundle"),  # the authority is not known
        (unverified(62), "for another host"),
        (unverified(64), "for another host"),
        (unverified(10), "has expired"),
        (unverified(9), "not valid yet"),
        (broken("WRONG_VERSION_NUMBER"), "does not speak TLS"),
        (broken("SSLV3_ALERT_HANDSHAKE_FAILURE"), "or it wants a client certificate"),
        (broken("TLSV1_ALERT_PROTOCOL_VERSION"), "no protocol version or cipher in common"),
        (refused_later("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "it wants a client certificate"),
    ],
)
def test_a_fault_is_named_with_its_remedy(error: Exception, said: str) -> None:
    assert said in (tls_fault(error) or "")


@pytest.mark.parametrize(
    "error",
    [
        broken("UNEXPECTED_EOF_WHILE_READING"),
        broken("TLSV1_ALERT_INTERNAL_ERROR"),
        refused_later("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"),
        aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused")),
        TimeoutError(),
    ],
)
def test_what_the_next_try_may_not_have_is_no_fault(error: Exception) -> None:
    assert tls_fault(error) is None


FAILURE = RequestFailure(FailureKind.NO_TRUST, "its certificate is not trusted: give a PEM file")


def test_the_run_stops_at_the_third_refusal_before_the_first_answer() -> None:
    health = EndpointHealth("https://models.example/v1", PatienceSpec(first_answer_s=1000.0, outage_s=1000.0))
    for _ in range(3):
        assert health.failed(0.1, FAILURE, 100) is None
    assert health.doubt is not None
    stop = health.question_failed(0.2, FAILURE)
    assert stop is not None
    assert stop.cause is StopCause.ENDPOINT_REFUSED
    assert stop.detail == "https://models.example/v1 is there, but its certificate is not trusted: give a PEM file."


def test_a_certificate_that_is_renewed_in_the_middle_of_a_run_is_an_outage() -> None:
    health = EndpointHealth("https://models.example/v1", PatienceSpec(outage_s=300.0))
    health.answered()
    for _ in range(20):
        health.failed(10.0, FAILURE, 100)
    assert health.question_failed(60.0, FAILURE) is None
    assert health.out
    assert health.question_failed(311.0, FAILURE) is not None
