"""A bare aiohttp loop over the same requests that stores nothing: the baseline of the zero-latency scenario.

python -m benchmarks.bare_aiohttp ROWS URL CONNECTIONS prints requests per second.
"""

import asyncio
import sys
import time

import aiohttp
import orjson


def read_bodies(path: str) -> list[bytes]:
    """The request bodies of the rows."""
    fixed = {"model": "simulated-teacher", "max_tokens": 1024, "temperature": 0.2, "top_p": 0.1}
    with open(path, "rb") as file:
        return [orjson.dumps({**orjson.loads(line), **fixed}) for line in file]


async def requests_per_s(bodies: list[bytes], url: str, connections: int) -> float:
    """Send every body once over ``connections`` connections."""
    waiting = iter(bodies)
    started = time.perf_counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

        async def worker() -> None:
            for body in waiting:
                async with session.post(f"{url}/chat/completions", data=body, headers={"Content-Type": "application/json"}) as response:
                    await response.read()

        await asyncio.gather(*(worker() for _ in range(connections)))
    return len(bodies) / (time.perf_counter() - started)


if __name__ == "__main__":
    print(asyncio.run(requests_per_s(read_bodies(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
