"""Synchronous requests to an endpoint or Azure work on a thread with a running loop: a notebook's cell, an async program."""

import asyncio

import pytest

from beam_distill.simulator.server import start_simulator
from transforms.azure.own_loop import run_to_end
from transforms.teacher.address import chat_completions_url
from transforms.teacher.probe import probe_endpoint
from transforms.teacher.specs import EndpointSpec


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    if number < 0:
        raise ValueError("below zero")
    return 2 * number


@pytest.mark.fault("D7", "N1")
def test_a_coroutine_is_run_with_and_without_a_loop_on_the_thread() -> None:
    async def in_a_loop() -> int:
        with pytest.raises(ValueError, match="below zero"):
            run_to_end(_double(-1))
        return run_to_end(_double(21))

    assert run_to_end(_double(1)) == 2
    assert asyncio.run(in_a_loop()) == 42


@pytest.mark.fault("D7", "N1")
def test_an_endpoint_is_asked_what_it_serves_from_a_running_loop() -> None:
    async def in_a_loop(url: str) -> tuple[str, ...]:
        return probe_endpoint(EndpointSpec(chat_completions_url(url)), 5.0).models

    with start_simulator() as simulator:
        assert asyncio.run(in_a_loop(simulator.base_url)) == ("simulated-teacher",)
