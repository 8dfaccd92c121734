"""What a response says about the endpoint's TLS, if that can never work as it is set up."""

from __future__ import annotations

import re

TO_HTTPS = "this port speaks TLS: the address must begin with https://, not http://"
CLIENT_CERTIFICATE = (
    "it wants a client certificate, and beam-distill sends none: run a proxy that has the certificate beside it (nginx, Envoy, stunnel), "
    "and give the proxy's address"
)
_TO_TLS = re.compile(
    rb"plain HTTP request was sent to HTTPS port|sent an HTTP request to an HTTPS server"  # nginx and most others; Go
    rb"|speaking plain HTTP to an SSL-enabled server port|combination of host and port requires TLS"  # Apache; Tomcat
)
_WANTS_CERTIFICATE = re.compile(  # nginx, its 495 and 496; IIS 403.7 and Azure's front ends
    rb"no required SSL certificate was sent|the SSL certificate error|client certificate(?: is)? required", re.IGNORECASE
)
_MEANINGS = (((400, 497), _TO_TLS, TO_HTTPS), ((400, 403, 495, 496), _WANTS_CERTIFICATE, CLIENT_CERTIFICATE))


def tls_fault_in(status: int | None, body: object, request: bytes = b"") -> str | None:
    """The fault and its remedy in a sentence's half; None for every other response. Words of the request do not count.

    ``status`` is None if the response is known to be about TLS (NO_TRUST): a model server's status is in a header, under another one.
    """
    if not isinstance(body, bytes):
        return None
    for statuses, words, meaning in _MEANINGS:
        found = words.search(body) if status is None or status in statuses else None
        if found is not None and found[0] not in request:
            return meaning
    return None
