"""Answers token by token, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
from aiohttp import web

from beam_distill.simulator.log_probabilities import LETTERS_A_TOKEN
from beam_distill.simulator.settings import StreamBehaviour


class Streamed:
    """One streamed completion: ``completion`` is the unstreamed answer. ``fault`` is one of STREAM_FAULTS or None."""

    def __init__(self, completion: dict[str, Any], behaviour: StreamBehaviour, with_usage: bool, fault: str | None) -> None:
        self._completion = completion
        self._behaviour = behaviour
        self._with_usage = with_usage
        self._fault = fault
        kept = {name: completion[name] for name in ("id", "created", "model")}
        self._opening = orjson.dumps({"id": kept.pop("id"), "object": "chat.completion.chunk", **kept})[:-1]

    async def send(self, request: web.Request, progress: AsyncIterator[float], headers: dict[str, str]) -> tuple[web.StreamResponse, bool]:
        """Send the tokens as ``progress`` (shares of the whole, the last is 1) allows. Returns the response, and whether it is complete."""
        response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream"})
        await response.prepare(request)
        events = list(self._events())
        sent = 0
        halfway = len(events) // 2
        waking = asyncio.ensure_future(self._keep_alive(response))
        try:
            async for share in progress:
                due = round(share * len(events))
                if self._fault is not None and sent <= halfway < due:
                    await response.write(b"".join(events[sent:halfway]))
                    sent = halfway
                    if await self._fails(request, response):
                        return response, False
                if due > sent:
                    # each token is a separate write, as from a real server
                    for event in events[sent:due]:
                        await response.write(event)
                    sent = due
        finally:
            waking.cancel()
        await response.write_eof()
        return response, True

    async def _fails(self, request: web.Request, response: web.StreamResponse) -> bool:
        """Apply the fault. Returns whether it ends the response."""
        if self._fault == "stream_break":
            if request.transport is not None:
                request.transport.close()
            return True
        if self._fault == "stream_error":
            error = {"message": "The server had an error while processing your request.", "type": "server_error", "param": None, "code": 500}
            await response.write(b"data: " + orjson.dumps({"error": error}) + b"\n\n")
            await response.write_eof()
            return True
        if self._fault == "stream_gap":
            await asyncio.sleep(self._behaviour.gap_s)
        return False

    async def _keep_alive(self, response: web.StreamResponse) -> None:
        every_s = self._behaviour.keep_alive_s
        while every_s is not None:
            await asyncio.sleep(every_s)
            await response.write(b": keep-alive\n\n")

    def _events(self) -> Iterator[bytes]:
        choices = self._completion["choices"]
        for choice in choices:
            content = None if choice["message"]["content"] is None else ""
            yield self._event(choice["index"], {"role": "assistant", "content": content}, None)
        for name in ("reasoning_content", "content"):
            yield from self._texts(name)
        for choice in choices:
            yield self._event(choice["index"], {}, choice["finish_reason"])
        if self._with_usage:
            yield b"data: " + self._opening + b',"choices":[],"usage":' + orjson.dumps(self._completion["usage"]) + b"}\n\n"
        if self._fault != "stream_no_done":
            yield b"data: [DONE]\n\n"

    def _texts(self, name: str) -> Iterator[bytes]:
        """The tokens of all choices, in turn."""
        texts = [choice["message"].get(name) or "" for choice in self._completion["choices"]]
        for start in range(0, max(map(len, texts)), LETTERS_A_TOKEN):
            for index, text in enumerate(texts):
                piece = text[start : start + LETTERS_A_TOKEN]
                if piece:
                    yield self._event(index, {name: piece}, None, self._logprobs(index, start) if name == "content" else None)

    def _logprobs(self, index: int, start: int) -> dict[str, Any] | None:
        said = self._completion["choices"][index]["logprobs"]
        return said and {**said, "content": said["content"][start // LETTERS_A_TOKEN : start // LETTERS_A_TOKEN + 1]}

    def _event(self, index: int, delta: dict[str, Any], finish_reason: str | None, logprobs: dict[str, Any] | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        return b"data: " + self._opening + b',"choices":[' + orjson.dumps(choice) + b"]}\n\n"
