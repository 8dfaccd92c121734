"""Azure's clouds: the public one, the US government's and China's have the same services under different domains."""

from __future__ import annotations

PUBLIC = "azure.com"
_DOMAINS = ("azure.us", "azure.cn", "azure.eaglex.ic.gov", "azure.microsoft.scloud")
_AS_PUBLIC = {
    # names that differ in more than the cloud's domain
    ".api.cognitive.microsoft.us": ".api.cognitive.microsoft.com",
    ".api.cognitive.azure.us": ".api.cognitive.microsoft.com",
    ".api.cognitive.azure.cn": ".api.cognitive.microsoft.com",
    **{f".{domain}": f".{PUBLIC}" for domain in _DOMAINS},
}
_RESOURCE_MANAGERS = {"management.usgovcloudapi.net": "azure.us", "management.chinacloudapi.cn": "azure.cn"}


def as_public(host: str) -> str:
    """The name of the service at ``host`` in the public cloud; unchanged for other hosts."""
    for ending, public in _AS_PUBLIC.items():
        if host.endswith(ending):
            return host.removesuffix(ending) + public
    return host


def scope_in_cloud(scope: str, host: str, resource_manager: str = "") -> str:
    """A scope of the public cloud, for the cloud of ``host`` or else of the resource manager's host."""
    domain = next((domain for domain in _DOMAINS if host.endswith(f".{domain}")), None)
    if domain is None and host.endswith(".api.cognitive.microsoft.us"):
        domain = "azure.us"
    domain = domain or (None if host.endswith(f".{PUBLIC}") else _RESOURCE_MANAGERS.get(resource_manager))
    return scope if domain is None else scope.replace(f".{PUBLIC}/", f".{domain}/")
