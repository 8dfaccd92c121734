"""Azure's clouds: the public one, those of the United States' government and China's have the same services under other domains."""

from __future__ import annotations

PUBLIC = "azure.com"
_DOMAINS = ("azure.us", "azure.cn", "azure.eaglex.ic.gov", "azure.microsoft.scloud")
_AS_PUBLIC = {
    # where a name is not the public one with the cloud's domain at its end
    ".api.cognitive.microsoft.us": ".api.cognitive.microsoft.com",
    ".api.cognitive.azure.us": ".api.cognitive.microsoft.com",
    ".api.cognitive.azure.cn": ".api.cognitive.microsoft.com",
    **{f".{domain}": f".{PUBLIC}" for domain in _DOMAINS},
}
_RESOURCE_MANAGERS = {"management.usgovcloudapi.net": "azure.us", "management.chinacloudapi.cn": "azure.cn"}


def as_public(host: str) -> str:
    """The name that a service at ``host`` has in the public cloud; its own name where it is of no cloud."""
    for ending, public in _AS_PUBLIC.items():
        if host.endswith(ending):
            return host.removesuffix(ending) + public
    return host


def scope_in_cloud(scope: str, host: str, resource_manager: str = "") -> str:
    """A scope of the public cloud as it is in the cloud of ``host``, else in that of the resource manager's host."""
    domain = next((domain for domain in _DOMAINS if host.endswith(f".{domain}")), None)
    if domain is None and host.endswith(".api.cognitive.microsoft.us"):
        domain = "azure.us"
    domain = domain or (None if host.endswith(f".{PUBLIC}") else _RESOURCE_MANAGERS.get(resource_manager))
    return scope if domain is None else scope.replace(f".{PUBLIC}/", f".{domain}/")
