"""The servers as their registries serve them: every version pinned, each in a folder of its own, apart from the project's packages."""

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
        # a folder that other pins, another script or another Python made must not stand in for this one's
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
        """Where it is or would be."""
        return SERVERS.root / self._folder_name

    @property
    def python(self) -> str:
        """The interpreter that has it. Its console scripts are of no use: their first line names the folder where they were made."""
        return str(self.folder / "env" / "bin" / "python")

    @property
    def model(self) -> Path:
        """What the script made."""
        return self.folder / "model"

    def install(self) -> None:
        """Fetch and make it, unless it is there. Raises RuntimeError."""
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
        """Where it is or would be."""
        return SERVERS.root / f"aimock-{AIMOCK_VERSION}"

    @property
    def script(self) -> str:
        """What node runs."""
        package = self.folder / "node_modules" / "@copilotkit" / "aimock"
        return str(package / json.loads((package / "package.json").read_text())["bin"]["llmock"])

    def install(self) -> None:
        """Fetch it, unless it is there. Raises RuntimeError and ToolMissing."""
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
