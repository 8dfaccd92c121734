"""File addresses of Azure and the web to the paths that Beam reads, or the reason why there is none.

Sources: Azure Storage's URI syntax of the Hadoop drivers (wasbs, abfss) and of its REST interface; Azure ML's URIs of datastores and assets.
"""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

_BLOB_HOST = re.compile(
    r"(?P<account>[a-z0-9-]+)(?:\.z[0-9]+)?\.(?:blob|dfs)\."
    r"(?:core\.windows\.net|core\.usgovcloudapi\.net|core\.chinacloudapi\.cn|storage\.azure\.net)"
)
_DATASTORE = re.compile(
    r"azureml://(?:subscriptions/[^/]+/resource[gG]roups/(?P<group>[^/]+)/(?:providers/Microsoft\.MachineLearningServices/)?"
    r"workspaces/(?P<workspace>[^/]+)/)?datastores/(?P<store>[^/]+)/paths/(?P<path>.*)"
)
_HADOOP = frozenset({"wasb", "wasbs", "abfs", "abfss"})


def beam_path(address: str) -> str:
    """The path that Beam reads for an address; paths are returned unchanged. Raises ValueError with what to give instead."""
    scheme, separator, rest = address.partition(":")
    scheme = scheme.lower()
    if not separator or len(scheme) < 2:  # C: is a drive
        return from_home(address)
    if scheme == "file":
        return _local(address, rest)
    if scheme == "azureml":
        raise ValueError(_of_azure_ml(address))
    if scheme in _HADOOP:
        return _of_hadoop(address)
    if scheme in ("http", "https") and rest.startswith("//"):
        return _of_web(address)
    if scheme == "hf" and rest.startswith("//"):
        raise ValueError(f"{address} is on the Hugging Face Hub; download it, and give the path of its files")
    return address


def from_home(path: str) -> str:
    """The path with a leading ``~/`` replaced by the home directory; shells do not expand it in ``--name=~/path`` and in config files.

    A folder with that name in the working directory has priority. Raises ValueError if the home directory is unknown.
    """
    if not path.startswith("~/") or os.path.lexists("~"):
        return path
    home = os.path.expanduser("~")
    if home == "~":
        raise ValueError(f"{path} begins with a home directory, and there is none (HOME is not set); give the full path")
    return home.rstrip("/") + path[1:]


def _local(address: str, rest: str) -> str:
    if not rest.startswith("//"):
        return rest
    host, slash, path = rest[2:].partition("/")
    if host not in ("", "localhost"):
        raise ValueError(f"{address} names a file of another machine ({host}); give a path of this one, such as /{path}")
    return unquote(slash + path)


def _of_azure_ml(address: str) -> str:
    found = _DATASTORE.fullmatch(address)
    if found is None:
        return f"{address} is an asset in Azure ML; download it and give its path"
    where = f" --resource-group {found['group']} --workspace-name {found['workspace']}" if found["group"] else ""
    return (
        f"{address} is a path in a datastore of Azure ML, which only Azure ML can resolve; give azfs://ACCOUNT/CONTAINER/{found['path']} with "
        f'account and container from: az ml datastore show --name {found["store"]}{where} --query "[account_name, container_name]"'
    )


def _of_hadoop(address: str) -> str:
    parts = urlsplit(address)
    container, at, host = parts.netloc.partition("@")
    account = _BLOB_HOST.fullmatch(host.lower())
    if not at or account is None:
        raise ValueError(
            f"{address} is not read here; expected {parts.scheme}://CONTAINER@ACCOUNT.blob.core.windows.net/PATH, "
            "or azfs://ACCOUNT/CONTAINER/PATH"
        )
    return f"azfs://{account['account']}/{container}{parts.path}"


def _of_web(address: str) -> str:
    parts = urlsplit(address)
    account = _BLOB_HOST.fullmatch((parts.hostname or "").lower())
    if account is None:
        raise ValueError(f"{parts.scheme}://{parts.hostname}{parts.path} is on the web; download it and give its path")
    path = f"azfs://{account['account']}{unquote(parts.path)}"
    if parts.query:
        raise ValueError(
            f"a signature (SAS) in a path would be written into every report; give {path} and let the storage's own login open it "
            "(AZURE_STORAGE_CONNECTION_STRING, or the identity)"
        )
    return path
