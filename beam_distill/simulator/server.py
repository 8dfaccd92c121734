"""The server: routes, faults and the real shapes of answers and errors."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
import urllib.request
from collections import Counter
from hashlib import blake2b
from typing import Any

import orjson
from aiohttp import web

from beam_distill.simulator.answers import answer_text, as_fenced, as_prose
from beam_distill.simulator.judging import SimulatedJudge
from beam_distill.simulator.limits import Budgets
from beam_distill.simulator.log_probabilities import log_probabilities
from beam_distill.simulator.mistakes import Mistakes
from beam_distill.simulator.refused_fields import refused_field
from beam_distill.simulator.settings import ANSWER_FAULTS, STREAM_FAULTS, TRANSPORT_FAULTS, SimulatorSettings
from beam_distill.simulator.stats import Stats
from beam_distill.simulator.streaming import Streamed
from beam_distill.simulator.workload import QueueFull, ServerSlots, count_tokens, planned_tokens, progress, take_time

CREATED = 1_700_000_000
"""The same time in every answer, so that answers can be compared byte for byte."""
THINKING = "Let me see what is asked. "


class TeacherServer:
    """The handlers of one simulated endpoint."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._mistakes = Mistakes(settings.accuracy, settings.answers)
        self._judge = SimulatedJudge(settings.judge, settings.answers)
        self._slots = ServerSlots(settings.capacity)
        self._budgets = Budgets(settings.limits)
        self.stats = Stats()
        self._seen: Counter[bytes] = Counter()
        self._transport = [(kind, settings.faults[kind]) for kind in TRANSPORT_FAULTS if settings.faults.get(kind)]
        self._streams = [(kind, settings.faults[kind]) for kind in STREAM_FAULTS if settings.faults.get(kind)]
        self._answers = [(kind, settings.faults[kind]) for kind in ANSWER_FAULTS if settings.faults.get(kind)]
        self._started_s: float | None = None

    def app(self) -> web.Application:
        """The application with all routes."""
        app = web.Application(client_max_size=256 * 1024 * 1024)
        for route in ("/v1/chat/completions", "/chat/completions"):
            app.router.add_post(route, self._chat)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        app.router.add_get("/stats", self._show_stats)
        app.router.add_route("*", "/{rest:.*}", self._unknown_route)
        return app

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _show_stats(self, request: web.Request) -> web.Response:
        return web.json_response(self.stats.view())

    async def _unknown_route(self, request: web.Request) -> web.Response:
        return _error(404, f"Invalid URL ({request.method} {request.path})", "invalid_request_error", None)

    async def _models(self, request: web.Request) -> web.Response:
        refusal = self._unauthorized(request)
        if refusal is not None:
            return refusal
        listed = [{"id": name, "object": "model", "created": CREATED, "owned_by": "simulator"} for name in self._settings.models]
        return web.json_response({"object": "list", "data": listed})

    def _unauthorized(self, request: web.Request) -> web.Response | None:
        key, expires_s = self._settings.api_key, self._settings.key_expires_after_s
        if expires_s is not None and self._started_s is not None and asyncio.get_running_loop().time() - self._started_s >= expires_s:
            return _error(401, "The key has expired.", "invalid_request_error", "invalid_api_key")
        if key is None or request.headers.get("Authorization") == f"Bearer {key}" or request.headers.get("api-key") == key:
            return None
        return _error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        loop_s = asyncio.get_running_loop().time()
        if self._started_s is None:
            self._started_s = loop_s
        self.stats.arrived(loop_s)
        try:
            response = await self._answer(request, loop_s)
            self.stats.by_status[str(response.status)] += 1
            return response
        finally:
            self.stats.in_flight -= 1

    async def _answer(self, request: web.Request, now_s: float) -> web.StreamResponse:
        body = await request.read()
        refusal = self._unauthorized(request)
        if refusal is not None:
            return refusal
        try:
            fields = orjson.loads(body)
            messages = fields["messages"]
            if not isinstance(messages, list) or not messages:
                raise TypeError
        except (ValueError, KeyError, TypeError):
            return _error(400, "The body must be a JSON object with a list of messages.", "invalid_request_error", None, "messages")
        unsupported = refused_field(self._settings, fields)
        if unsupported is not None:
            return _error(400, unsupported.message, "invalid_request_error", unsupported.code, unsupported.field)
        # a stream gives the same answer
        is_streamed = bool(fields.pop("stream", False)) and self._settings.streams.support != "ignored"
        with_usage = bool((fields.pop("stream_options", None) or {}).get("include_usage"))
        digest = blake2b(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
        attempt = self._seen[digest] = self._seen[digest] + 1
        fixed = random.Random(b"%d:%s" % (self._settings.seed, digest))
        drawn = random.Random(b"%d:%s:%d" % (self._settings.seed, digest, attempt))
        elapsed_s = now_s - (self._started_s or now_s)
        if any(start <= elapsed_s < end for start, end in self._settings.capacity.outages):
            return self._plain_fault("503")
        if self._settings.capacity.steps:
            self._slots.at(elapsed_s)
        limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
        limit = limit if isinstance(limit, int) and limit > 0 else None
        answer_fault = _draw(self._answers, fixed)
        known = self._mistakes.answers(messages, self._settings.seed, digest, attempt)
        text = self._judge.verdict(messages, self._settings.seed, digest) or answer_text(messages, fixed, known)
        prompt_tokens = count_tokens("".join(str(message.get("content") or "") for message in messages if isinstance(message, dict)))
        thinking = self._thinking()
        tokens = planned_tokens(self._settings.latency, text + thinking * bool(self._settings.thinking_tokens), limit, drawn)
        wait_s = self._budgets.admit(now_s, prompt_tokens + tokens)
        if wait_s > 0:
            return _error(
                429,
                f"Rate limit reached. Please try again in {wait_s:.3f}s.",
                "requests",
                "rate_limit_exceeded",
                headers={**self._budgets.headers(now_s), **self._budgets.hint(wait_s, time.time())},
            )
        fault = _draw(self._transport, drawn)
        if fault is not None:
            self.stats.by_fault[fault] += 1
            return await self._transport_fault(request, fault)
        refused = _refused_answer(answer_fault)
        answer_id = f"chatcmpl-{digest.hex()}-{attempt}"
        completion = self._completion(fields, answer_id, (text, thinking), limit, (prompt_tokens, tokens), answer_fault)
        try:
            async with self._slots:
                if is_streamed and refused is None:
                    return await self._stream(request, completion, with_usage, drawn, (digest, prompt_tokens, tokens))
                await take_time(self._settings.latency, self._slots, tokens, drawn)
        except QueueFull:
            return _error(429, "Too many requests are waiting.", "requests", "rate_limit_exceeded", headers=self._budgets.hint(1.0, time.time()))
        finally:
            if self._settings.capacity.steps:
                self._slots.at(asyncio.get_running_loop().time() - (self._started_s or 0.0))
            if answer_fault is not None:
                self.stats.by_fault[answer_fault] += 1
        if refused is not None:
            return refused
        now_s = asyncio.get_running_loop().time()
        self.stats.answer_sent(digest, prompt_tokens, tokens, now_s)
        return web.Response(body=orjson.dumps(completion), content_type="application/json", headers=self._budgets.headers(now_s))

    async def _stream(
        self, request: web.Request, completion: dict[str, Any], with_usage: bool, drawn: random.Random, counted: tuple[bytes, int, int]
    ) -> web.StreamResponse:
        fault = _draw(self._streams, drawn)
        if fault is not None:
            self.stats.by_fault[fault] += 1
        streamed = Streamed(completion, self._settings.streams, with_usage, fault)
        loop = asyncio.get_running_loop()
        time_passing = progress(self._settings.latency, self._slots, counted[2], drawn)
        response, is_whole = await streamed.send(request, time_passing, self._budgets.headers(loop.time()))
        self.stats.streams += 1
        if is_whole:
            self.stats.answer_sent(*counted, loop.time())
        return response

    async def _transport_fault(self, request: web.Request, fault: str) -> web.StreamResponse:
        if fault == "hang":
            await asyncio.sleep(self._settings.hang_s)
            return self._plain_fault("503")
        if fault == "reset":
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if fault == "truncated_body":
            response = web.StreamResponse(headers={"Content-Length": "100000", "Content-Type": "application/json"})
            await response.prepare(request)
            await response.write(b'{"id": "cut", "choices": [{"index": 0, "mess')
            if request.transport is not None:
                request.transport.close()
            return response
        return self._plain_fault(fault)

    def _plain_fault(self, fault: str) -> web.Response:
        if fault == "429":
            return _error(429, "Rate limit reached.", "requests", "rate_limit_exceeded", headers={"retry-after-ms": "20"})
        if fault == "500":
            return _error(500, "The server had an error while processing your request.", "server_error", None)
        if fault == "503":
            return _error(503, "The engine is currently overloaded, please try again later.", "server_error", None)
        if fault == "non_json":
            return web.Response(text="<html><body>Bad gateway</body></html>", content_type="text/html")
        if fault == "empty_choices":
            return web.json_response({"id": "x", "object": "chat.completion", "created": CREATED, "model": "x", "choices": []})
        return web.json_response({"output": None, "error": {"status_code": 500, "body": "the model failed"}})

    def _completion(
        self,
        fields: dict[str, Any],
        answer_id: str,
        texts: tuple[str, str],
        limit: int | None,
        counted: tuple[int, int],
        fault: str | None,
    ) -> dict[str, Any]:
        """The unstreamed answer; ``texts`` are answer and reasoning."""
        text, thinking = texts
        prompt_tokens, tokens = counted
        content: str | None = text
        finish = "stop"
        if fault == "prose":
            content = as_prose(text)
        elif fault == "fenced":
            content = as_fenced(text)
        elif fault == "null_content":
            content = None
        elif fault == "content_filter":
            content, finish = "", "content_filter"
        elif fault == "length":
            content, finish = text[: len(text) // 2], "length"
        elif limit is not None and self._settings.latency.completion_tokens <= 0 and count_tokens(text) > limit:
            content, finish = text[: limit * 4], "length"
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if self._settings.reasoning == "think" and content is not None:
            message["content"] = f"<think>{thinking} {{maybe}}</think>\n{content}"
        elif self._settings.reasoning == "field":
            message["reasoning_content"] = thinking
        said = log_probabilities(content or "", fields.get("top_logprobs") or 0) if fields.get("logprobs") else None
        asked = fields.get("n")
        choices = asked if isinstance(asked, int) and asked > 0 else 1
        return {
            "id": answer_id,
            "object": "chat.completion",
            "created": CREATED,
            "model": fields.get("model") or self._settings.models[0],
            "choices": [{"index": index, "message": message, "logprobs": said, "finish_reason": finish} for index in range(choices)],
            "usage": self._usage(prompt_tokens, tokens),
        }

    def _thinking(self) -> str:
        if self._settings.reasoning == "none":
            return ""
        letters = 4 * self._settings.thinking_tokens
        return (THINKING * (letters // len(THINKING) + 1))[:letters] if letters else THINKING.strip()

    def _usage(self, prompt_tokens: int, tokens: int) -> dict[str, Any]:
        usage: dict[str, Any] = {"prompt_tokens": prompt_tokens, "completion_tokens": tokens, "total_tokens": prompt_tokens + tokens}
        if self._settings.cached_share:
            usage["prompt_tokens_details"] = {"cached_tokens": int(prompt_tokens * self._settings.cached_share)}
        if self._settings.reasoning_share:
            usage["completion_tokens_details"] = {"reasoning_tokens": int(tokens * self._settings.reasoning_share)}
        return usage


def _refused_answer(fault: str | None) -> web.Response | None:
    if fault == "content_filter_400":
        return _error(
            400,
            "The response was filtered due to the prompt triggering content management policy.",
            None,
            "content_filter",
            "prompt",
        )
    if fault == "context_length_400":
        return _error(
            400,
            "This model's maximum context length is 4096 tokens; your messages are longer.",
            "invalid_request_error",
            "context_length_exceeded",
            "messages",
        )
    return None


def _draw(faults: list[tuple[str, float]], randomness: random.Random) -> str | None:
    if not faults:
        return None
    point = randomness.random()
    for kind, probability in faults:
        point -= probability
        if point < 0:
            return kind
    return None


def _error(
    status: int,
    message: str,
    kind: str | None,
    code: str | None,
    param: str | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    fields = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return web.Response(status=status, body=orjson.dumps(fields), content_type="application/json", headers=headers)


class RunningSimulator:
    """A simulated endpoint on a thread of this process. A context manager; ``base_url`` ends in ``/v1``."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stats(self) -> dict[str, Any]:
        """The counts of the stats route."""
        with urllib.request.urlopen(f"{self.root_url}/stats", timeout=10) as response:
            fields: dict[str, Any] = json.load(response)
        return fields

    def stop(self) -> None:
        """Stop the server; connections are cut."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def __enter__(self) -> RunningSimulator:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            self._failure = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        async with serving(self._settings) as port:
            self.root_url = f"http://{self._settings.host}:{port}"
            self.base_url = f"{self.root_url}/v1"
            self._ready.set()
            await self._stopping.wait()


class serving:  # noqa: N801 - used like a function
    """``async with serving(settings) as port``: the server runs inside the block. Raises OSError when the port is taken."""

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings

    async def __aenter__(self) -> int:
        app = TeacherServer(self._settings).app()
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._settings.host, self._settings.port, backlog=4096)
        await site.start()
        port: int = self._runner.addresses[0][1]
        return port

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()


def start_simulator(settings: SimulatorSettings | None = None) -> RunningSimulator:
    """Start a simulated endpoint on a thread; end it with ``stop()`` or by leaving its block."""
    return RunningSimulator(settings or SimulatorSettings())
