"""Which tests have the mark slow without being slow, or are slow without it: ``pytest --wrong-marks``.

Seconds are those of the clock, so the machine must be quiet. The first test of a process that needs Beam or Azure's SDK waits for their import.
"""

from collections import defaultdict

import pytest

SLOW_S = 2.0
QUICK_S = 1.0
"""Between these two, either is right: no machine takes the same time twice."""


class WrongMarks:
    """Adds up what each test took, set-up included, and lists the wrong marks at the end. Of a test with several cases the longest counts."""

    def __init__(self) -> None:
        self._took_s: dict[str, float] = defaultdict(float)
        self._slow: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            return
        self._took_s[report.nodeid] += report.duration
        if "slow" in report.keywords:
            self._slow.add(report.nodeid)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("wrong marks")
        for line in self.found():
            terminalreporter.line(line)

    def found(self) -> list[str]:
        """One line for each test, the longest first."""
        slow = {name.partition("[")[0] for name in self._slow}
        longest_s: dict[str, float] = defaultdict(float)
        for name, took_s in self._took_s.items():
            test = name.partition("[")[0]
            longest_s[test] = max(longest_s[test], took_s)
        return [
            f"{took_s:6.1f} s  {test}: {'not slow' if test in slow else 'slow, without the mark'}"
            for test, took_s in sorted(longest_s.items(), key=lambda item: -item[1])
            if (took_s < QUICK_S if test in slow else took_s > SLOW_S)
        ]
