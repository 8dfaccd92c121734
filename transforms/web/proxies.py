"""The proxy for an address, by the standard variables and curl's rules.

``http_proxy``, ``https_proxy`` and ``all_proxy`` name a proxy; ``no_proxy`` lists exceptions: host names with their subdomains,
addresses, networks such as 10.0.0.0/8, each with or without a port, and ``*`` for everything. Upper-case names count too; lower-case
names win. aiohttp's ``trust_env`` is not used: it also takes logins from ``.netrc``, ignores https proxies, and fails
for a proxy without a scheme.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit, urlunsplit


class UnusableProxy(ValueError):
    """A proxy variable has an unusable value; the text says which and what to do."""


def proxy_for(url: str, environ: Mapping[str, str] | None = None) -> str | None:
    """The address of the proxy for ``url``, ``http://[user:password@]host[:port]``; None if there is none. Raises UnusableProxy."""
    named = _named(url, os.environ if environ is None else environ)
    return None if named is None else _usable(*named)


def by_way_of(url: str, environ: Mapping[str, str] | None = None) -> str:
    """The same for messages, ``through the proxy HOST:PORT (VARIABLE)`` without its login; empty if there is none."""
    named = _named(url, os.environ if environ is None else environ)
    return "" if named is None else f"through the proxy {urlsplit(_usable(*named)).netloc.rpartition('@')[2]} ({named[0]})"


def failed_by_way_of(url: str, environ: Mapping[str, str] | None = None) -> str:
    """The same for failures: it adds how to go past the proxy, if the host is this machine or its name or address is private."""
    variables = os.environ if environ is None else environ
    way, host = by_way_of(url, variables), (urlsplit(url).hostname or "").rstrip(".")
    if not way or not _is_private(host):
        return way
    name, exceptions = _value(variables, "no_proxy")
    listed = f"{exceptions},{host}" if exceptions else host
    return f"{way[:-1]}, which applies to {host} too: set {name}={listed} to go past it)"


def is_loopback(url: str) -> bool:
    """Whether the host is this machine: for a proxy it is another one."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_ENDINGS)


_PRIVATE_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet", ".corp", ".svc")


def _named(url: str, variables: Mapping[str, str]) -> tuple[str, str] | None:
    """The variable that names the proxy, and its value."""
    target = urlsplit(url)
    if _goes_past(target.hostname or "", target.port or (443 if target.scheme == "https" else 80), _value(variables, "no_proxy")[1]):
        return None
    for name in (f"{target.scheme}_proxy", "all_proxy"):
        found, value = _value(variables, name)
        if value and (name != "all_proxy" or not value.lower().startswith("socks")):  # a SOCKS proxy, in curl's spelling, is for other programs
            return found, value
    return None


def _value(variables: Mapping[str, str], name: str) -> tuple[str, str]:
    for spelling in (name, name.upper()):
        if spelling in variables:
            return spelling, variables[spelling].strip()
    return name, ""


def _usable(name: str, value: str) -> str:
    address = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(address)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise UnusableProxy(f"the environment variable {name} is not a proxy's address; expected http://host:port, or unset it")
    if parts.scheme != "http":
        raise UnusableProxy(
            f"the environment variable {name} names a proxy with {parts.scheme}://, and only proxies with http:// can be used (also for https "
            f"addresses); give one, or unset it, or name the teacher's host in no_proxy"
        )
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))


def _goes_past(host: str, port: int, exceptions: str) -> bool:
    return any(_is_excepted(host.lower().rstrip("."), port, entry) for entry in exceptions.replace(",", " ").lower().split())


def _is_excepted(host: str, port: int, entry: str) -> bool:
    if entry == "*":
        return True
    name, bracket, rest = entry.partition("]")
    if bracket:  # [::1] or [::1]:8000
        name, reported = name.removeprefix("["), rest.removeprefix(":")
    elif entry.count(":") == 1:
        name, _, reported = entry.partition(":")
    else:
        reported = ""
    if reported and reported != str(port):
        return False
    try:
        return ip_address(host) in ip_network(name, strict=False)
    except ValueError:
        name = name.removeprefix("*").strip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
