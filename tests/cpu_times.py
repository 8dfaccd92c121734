"""The CPU that tests take, with that of the processes they start: ``pytest --cpu-times``.

Seconds of CPU depend less on what else the machine does than those of the clock. A process counts once it has ended and was waited for. Imports
and collection belong to no test, and neither does the process that forks others (forking_python.py).
"""

import resource
from collections import defaultdict
from collections.abc import Generator, Iterable
from typing import cast

import pytest

LONGEST = 30

_PROPERTY = "seconds of CPU"
_BEFORE = pytest.StashKey[Iterable[float]]()


class CpuTimes:
    """Measures each test with its set-up where it runs, and prints sums for the folders and files, and the longest tests."""

    def __init__(self) -> None:
        self._of_tests_s: dict[str, list[float]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        item.stash[_BEFORE] = _used_s()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        used_s = [after_s - before_s for before_s, after_s in zip(item.stash[_BEFORE], _used_s(), strict=True)]
        report.user_properties.append((_PROPERTY, used_s))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._of_tests_s[report.nodeid] = cast(list[float], dict(report.user_properties)[_PROPERTY])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("seconds of CPU: the tests' own, their processes'")
        for line in self.found():
            terminalreporter.line(line)

    def found(self) -> list[str]:
        """All tests, each folder and file, and the longest tests; in each the largest sum first."""
        places: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for name, used_s in self._of_tests_s.items():
            path = name.partition("::")[0]
            for place in {"all", path.rpartition("/")[0] + "/", path}:
                places[place] = [a + b for a, b in zip(places[place], used_s, strict=True)]
        tests = sorted(self._of_tests_s.items(), key=lambda item: -sum(item[1]))[:LONGEST]
        lines = [*sorted(places.items(), key=lambda item: -sum(item[1])), *tests]
        return [f"{own_s:7.1f} {started_s:7.1f}  {place}" for place, (own_s, started_s) in lines if own_s + started_s >= 0.1]


def _used_s() -> tuple[float, float]:
    """What this process used, and what its ended child processes did."""
    own, started = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime, started.ru_utime + started.ru_stime
