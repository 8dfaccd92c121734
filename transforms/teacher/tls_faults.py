"""Why an endpoint's TLS can never work as it is set up, and the remedy."""

from __future__ import annotations

import ssl

import aiohttp

from transforms.teacher.tls_responses import CLIENT_CERTIFICATE

CA_BUNDLE = (
    "give a PEM file with the authority that signed it as ca_bundle (REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE are not read; SSL_CERT_FILE is)"
)
_BY_VERIFY_CODE = {  # OpenSSL, X509_verify_cert_error_string
    9: "the certificate is not valid yet: look at this machine's clock, and at the certificate",
    10: "the certificate has expired: the server needs a new one; look at this machine's clock too",
    62: "the certificate is for another host: write the address with a name that the certificate has",
    64: "the certificate is for another host: write the address with a name that the certificate has, not with the IP address",
}
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"})
"""What OpenSSL reports when the other side answers in plain text."""

_NO_HANDSHAKE = ("ALERT_HANDSHAKE_FAILURE", "ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL")


def tls_fault(error: BaseException) -> str | None:
    """The fault and the remedy in a sentence's half; None for errors that the next try may not have."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        code = getattr(error.certificate_error, "verify_code", 0)
        return _BY_VERIFY_CODE.get(code, f"its certificate is not trusted: {CA_BUNDLE}")
    broken = error.os_error if isinstance(error, aiohttp.ClientConnectorSSLError) else error.__cause__
    reason = str(broken.reason).upper() if isinstance(broken, ssl.SSLError) else ""
    if reason in _NOT_TLS:
        return "this port does not speak TLS: the address probably begins with http://, not https://"
    if reason.endswith("ALERT_CERTIFICATE_REQUIRED"):
        return CLIENT_CERTIFICATE
    if reason.endswith(_NO_HANDSHAKE):
        return f"it ended the TLS handshake ({reason}): it has no protocol version or cipher in common with us, or {CLIENT_CERTIFICATE}"
    return None
