"""Why an endpoint's TLS can never work as it is set up, and the remedy."""

from __future__ import annotations

import ssl

import aiohttp

CA_BUNDLE = (
    "give a PEM file with the authority that signed it as ca_bundle (REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE are not read; SSL_CERT_FILE is)"
)
TO_HTTPS = "this port speaks TLS: the address must begin with https://, not http://"
_BY_VERIFY_CODE = {  # OpenSSL, X509_verify_cert_error_string
    9: "the certificate is not valid yet: look at this machine's clock, and at the certificate",
    10: "the certificate has expired: the server needs a new one; look at this machine's clock too",
    62: "the certificate is for another host: write the address with a name that the certificate has",
    64: "the certificate is for another host: write the address with a name that the certificate has, not with the IP address",
}
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"})
"""What OpenSSL reports when the other side answers in plain text."""


def tls_fault(error: BaseException) -> str | None:
    """The fault and the remedy in a sentence's half; None for errors that the next try may not have."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        code = getattr(error.certificate_error, "verify_code", 0)
        return _BY_VERIFY_CODE.get(code, f"its certificate is not trusted: {CA_BUNDLE}")
    broken = error.os_error if isinstance(error, aiohttp.ClientConnectorSSLError) else None
    if isinstance(broken, ssl.SSLError) and str(broken.reason).upper() in _NOT_TLS:
        return "this port does not speak TLS: the address probably begins with http://, not https://"
    return None
