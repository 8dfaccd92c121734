"""The tests against real servers: collected only by ``make test-servers``, and only for the servers that it names."""

import os
from collections.abc import Iterator

import pytest
from servers.installed import ALL

_WANTED = os.environ.get("SERVER_TESTS", "").split()
collect_ignore = [f"test_{name}.py" for name in ALL if name not in _WANTED]


@pytest.fixture(autouse=True, scope="module")
def _server_is_here(request: pytest.FixtureRequest) -> Iterator[None]:
    """Skips the tests of an unavailable server if that is allowed; otherwise such a test fails."""
    server = ALL.get(request.path.stem.removeprefix("test_"))
    if server is not None and not server.folder.exists():
        message = f"{server.name} is not installed; python -m servers.prepare {server.name} says why"
        if os.environ.get("SERVER_TESTS_MISSING") == "skip":
            pytest.skip(message)
        pytest.fail(message)
    yield
