"""The servers as running programs, one class each: a context manager with the ``url`` that a user would give."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from made_once import tool
from processes import Program, Programs, free_port, wait_for
from servers.installed import AIMOCK, KATAN, LITELLM, LLAMACPP, TRANSFORMERS


@dataclass
class RunningServer:
    """One server on its own port. It can be killed and started again there."""

    folder: Path
    port: int = field(default_factory=free_port)
    patience_s: float = 60.0

    def __post_init__(self) -> None:
        self._programs = Programs(self.folder)
        self._program: Program | None = None

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The base URL that a user gives."""
        return f"{self.root}/v1"

    def command(self) -> list[str]:
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        return {}

    def start(self) -> None:
        """Start it and wait until it answers. Raises TimeoutError with its output."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # the server gets nothing of the project's environment or the user's keys
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        self._program = self._programs.start(type(self).__name__, self.command(), {**kept, "HOME": str(self.folder), **self.environ()})
        try:
            wait_for(f"{type(self).__name__} on port {self.port}", self.answers, self.patience_s)
        except TimeoutError as late:
            raise TimeoutError(f"{late}\n{self._program.said()[-3000:]}") from None

    def answers(self) -> bool:
        """Whether it answers, with any status."""
        if self._program is not None and self._program.process.poll() is not None:
            raise TimeoutError(f"it ended with {self._program.process.returncode}")
        try:
            urllib.request.urlopen(f"{self.url}/models", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL to it and its child processes."""
        assert self._program is not None
        self._program.vanish()

    def said(self) -> str:
        """Its output so far."""
        assert self._program is not None
        return self._program.said()

    def __enter__(self) -> Any:
        try:
            self.start()
        except BaseException:
            self._programs.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._programs.end()


@dataclass
class Katan(RunningServer):
    """llm-katan's echo backend: answers with a line about the request and the last user message."""

    flags: tuple[str, ...] = ()

    def command(self) -> list[str]:
        program = [KATAN.python, "-m", "llm_katan.cli", "--backend", "echo", "--model", "tiny", "--host", "127.0.0.1"]
        return [*program, "--port", str(self.port), "--disable-dashboard", "--max-concurrent", "200", *self.flags]


@dataclass
class Aimock(RunningServer):
    """aimock with ``fixtures``, the first whose match fits wins; ``flags`` are those of its command line."""

    fixtures: list[dict[str, Any]] = field(default_factory=list)
    flags: tuple[str, ...] = ()
    key: str = ""

    def environ(self) -> dict[str, str]:
        return {"AIMOCK_API_KEYS": self.key} if self.key else {}

    def command(self) -> list[str]:
        file = self.folder / "fixtures.json"
        file.write_text(json.dumps({"fixtures": self.fixtures}))
        program = [tool("node", "to run aimock"), AIMOCK.script, "--port", str(self.port), "--host", "127.0.0.1", "--fixtures", str(file)]
        return [*program, "--log-level", "warn", "--journal-max", "0", *self.flags]

    def asked(self) -> list[dict[str, Any]]:
        """The bodies of all requests for an answer since it started, in order, by its own journal."""
        with urllib.request.urlopen(f"{self.root}/__aimock/journal", timeout=10) as answer:
            return [entry["body"] for entry in json.load(answer) if entry["path"].endswith("/chat/completions")]


@dataclass
class LlamaServer(RunningServer):
    """llama.cpp's server with the tiny random model; ``context_tokens`` are shared out among the slots."""

    context_tokens: int = 16384
    slots: int = 4
    key: str = ""

    def command(self) -> list[str]:
        script = Path(__file__).with_name("serve_gguf.py")
        model = LLAMACPP.model / "tiny.gguf"
        numbers = [str(self.port), str(self.context_tokens), str(self.slots)]
        return [LLAMACPP.python, str(script), str(model), *numbers, *([self.key] if self.key else [])]


@dataclass
class LiteLlm(RunningServer):
    """A LiteLLM proxy with a configuration as its users write it."""

    models: list[dict[str, Any]] = field(default_factory=list)
    general: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def command(self) -> list[str]:
        config = {
            "model_list": self.models,
            "general_settings": self.general,
            "litellm_settings": {"telemetry": False, **self.settings},
            "router_settings": {"num_retries": 0},
        }
        file = self.folder / "config.yaml"
        # JSON is YAML
        file.write_text(json.dumps(config))
        return [LITELLM.python, "-m", "litellm.proxy.proxy_cli", "--config", str(file), "--host", "127.0.0.1", "--port", str(self.port)]

    def environ(self) -> dict[str, str]:
        # the price list that ships with it, not the one of its repository
        return {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "NO_DOCS": "True"}


@dataclass
class TransformersServe(RunningServer):
    """``transformers serve`` with the tiny random model."""

    patience_s: float = 180.0

    def command(self) -> list[str]:
        serve = [TRANSFORMERS.python, "-m", "transformers.cli.transformers", "serve", str(TRANSFORMERS.model)]
        return [*serve, "--host", "127.0.0.1", "--port", str(self.port), "--device", "cpu"]

    def environ(self) -> dict[str, str]:
        hub = self.folder / "hub"
        hub.mkdir(exist_ok=True)  # without one its list of models is status 500
        return {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(hub), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
