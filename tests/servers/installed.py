"""The servers from their registries: every version pinned, each in its own folder, separate from the project's packages."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from made_once import SERVERS, run, tool

_HERE = Path(__file__).resolve().parent
AIMOCK_VERSION = "1.43.0"
_INSTALL_TIMEOUT_S = 1500.0


@dataclass(frozen=True)
class PythonServer:
    """A server from PyPI: ``requirements/NAME.txt`` pins it and all that it needs, for Python 3.10 to 3.13.

    ``script``, where there is one, is run by the server's own Python to make the model that it serves.
    """

    name: str
    script: str = ""

    @property
    def _folder_name(self) -> str:
        # a folder of other pins, another script or another Python must not be used for this one
        recipe = self._requirements.read_bytes() + (self._script.read_bytes() if self.script else b"")
        return f"{self.name}-{hashlib.sha256(recipe).hexdigest()[:8]}-python{sys.version_info[0]}.{sys.version_info[1]}"

    @property
    def _requirements(self) -> Path:
        return _HERE / "requirements" / f"{self.name}.txt"

    @property
    def _script(self) -> Path:
        return _HERE / self.script

    @property
    def folder(self) -> Path:
        """Its path, also before it exists."""
        return SERVERS.root / self._folder_name

    @property
    def python(self) -> str:
        """The interpreter that has it. Its console scripts do not work: their first line names the folder in which they were made."""
        return str(self.folder / "env" / "bin" / "python")

    @property
    def model(self) -> Path:
        """The output of the script."""
        return self.folder / "model"

    def install(self) -> None:
        """Fetch and make it, unless it exists. Raises RuntimeError."""
        SERVERS.made(self._folder_name, self._make)

    def _make(self, folder: Path) -> None:
        python = str(folder / "env" / "bin" / "python")
        run([sys.executable, "-m", "venv", str(folder / "env")], folder)
        pip = [python, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--no-deps", "-r", str(self._requirements)]
        run(pip, folder, timeout_s=_INSTALL_TIMEOUT_S)
        if self.script:
            run([python, str(self._script), str(folder / "model")], folder, timeout_s=300)


@dataclass(frozen=True)
class Aimock:
    """The mock server of npm's ``@copilotkit/aimock``; it depends on nothing."""

    name: str = "aimock"

    @property
    def folder(self) -> Path:
        """Its path, also before it exists."""
        return SERVERS.root / f"aimock-{AIMOCK_VERSION}"

    @property
    def script(self) -> str:
        """The script for node."""
        package = self.folder / "node_modules" / "@copilotkit" / "aimock"
        return str(package / json.loads((package / "package.json").read_text())["bin"]["llmock"])

    def install(self) -> None:
        """Fetch it, unless it exists. Raises RuntimeError and ToolMissing."""
        SERVERS.made(self.folder.name, self._make)

    def _make(self, folder: Path) -> None:
        tool("node", "to run aimock")
        npm = tool("npm", "to install aimock")
        package = f"@copilotkit/aimock@{AIMOCK_VERSION}"
        run([npm, "install", "--no-audit", "--no-fund", "--prefix", str(folder), package], folder, timeout_s=_INSTALL_TIMEOUT_S)


LITELLM = PythonServer("litellm")
KATAN = PythonServer("katan")
AIMOCK = Aimock()
LLAMACPP = PythonServer("llamacpp", "tiny_gguf.py")
TRANSFORMERS = PythonServer("transformers", "tiny_transformers_model.py")

ALL: dict[str, PythonServer | Aimock] = {server.name: server for server in (LITELLM, KATAN, AIMOCK, LLAMACPP, TRANSFORMERS)}
