"""Azure Blob storage, emulated by Azurite."""

from __future__ import annotations

import shutil
from pathlib import Path

from clusters.distributions import azurite_blob
from made_once import tool
from processes import Programs, free_port, listens, wait_for

# the account and key that Microsoft documents for its emulator; they are no secret
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    """The blob service, as context manager."""

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._programs = Programs(folder)
        self._port = free_port()
        self.connection_string = (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint=http://127.0.0.1:{self._port}/{ACCOUNT};"
        )

    @property
    def environ(self) -> dict[str, str]:
        """The variables that give access to the blobs."""
        return {"AZURE_STORAGE_CONNECTION_STRING": self.connection_string}

    def __enter__(self) -> Azurite:
        node = tool("node", "to run Azurite, the emulator of Azure Blob storage")
        command = [node, str(azurite_blob()), "--blobHost", "127.0.0.1", "--blobPort", str(self._port)]
        command += ["--location", str(self._blobs), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        try:
            self._programs.start("azurite", command)
            wait_for("Azurite", lambda: listens(self._port))
        except BaseException:
            self._programs.end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._programs.end()
        shutil.rmtree(self._blobs, ignore_errors=True)
