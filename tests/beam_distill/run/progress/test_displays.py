"""Displays on a terminal of any width and in a file."""

import io
import logging
from dataclasses import replace

import pytest
from rich.console import Console

from beam_distill.job.prices import Prices
from beam_distill.run.progress.displays import display_of_command, display_of_program
from beam_distill.run.progress.plain import PlainLines, plain_line
from beam_distill.run.progress.terminal import LiveTerminal, Panel
from beam_distill.run.progress.tracker import ProgressView, Tracker
from beam_distill.work_dir.reading import JudgeReading, Reading
from transforms.elements.counted import duration
from transforms.elements.usage import TokenPrices, Usage

READING = Reading(
    {"train": 523, "validation": 0}, {"train": 900}, 500, 560, 500, Usage(96_000, 17_500), 46, {"throttled": 13}, {"no_json": 2}, 23, 46, 63, 3
)


COSTS = ("0.41 USD so far", "about 0.98 USD in all")
BOTH = Prices(TokenPrices(2.5, 10.0))


def a_view(elapsed_s: float = 14.0, prices: Prices = BOTH) -> ProgressView:
    return Tracker(("train", "validation"), prices).view(elapsed_s, READING, {"train": 1000, "validation": 200})


def drawn(width: int, prices: Prices = BOTH, **console: object) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, **console).print(Panel(a_view(prices=prices)))  # type: ignore[arg-type]
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [30, 36, 60, 80, 120, 200])
def test_the_view_fits_the_terminal_and_breaks_between_facts(width: int) -> None:
    lines = drawn(width)
    assert all(len(line) <= width for line in lines)
    text = "\n".join(lines)
    for fact in ("523 of 1,000", "35.7 rows/s", "46 in flight of 63", "46 retries", "13 throttled", "2 rejects", "0:14 so far", *COSTS):
        assert fact in text


@pytest.mark.parametrize("width", [36, 80])
def test_what_a_cost_leaves_out_is_shown_on_any_terminal(width: int) -> None:
    assert "cost: input tokens only" in "\n".join(drawn(width, Prices(TokenPrices(2.5, None))))
    assert plain_line(a_view(prices=Prices(TokenPrices(None, 10.0)))).endswith("; cost: output tokens only")
    assert "tokens only" not in plain_line(a_view())


def test_colours_only_where_they_are_wanted() -> None:
    assert "\x1b[" in "".join(drawn(80, force_terminal=True, color_system="standard"))
    plain = "".join(drawn(80, force_terminal=True, color_system="standard", no_color=True))
    assert "\x1b[3" not in plain
    assert "523 of 1,000" in plain


def test_a_plain_line_says_the_same() -> None:
    line = plain_line(a_view())
    assert line.startswith("train 523 of 1,000, validation 0 of 200; 35.7 rows/s; tokens/s 6,857 in, 1,250 out; 46 in flight of 63 allowed")
    assert "about 0:19 left" in line
    assert "; ".join(COSTS) in line


def test_a_judge_has_its_own_part() -> None:
    state = JudgeReading(verdicts=20, throttled=14, in_flight=3, limit=40, waiting=1060)
    view = replace(a_view(), reading=replace(READING, judge=state))
    assert "; judge 20 verdicts, 3 in flight of 40 allowed, 1,060 waiting, 14 throttled (429); 2 rejects; " in plain_line(view)
    unknown = replace(a_view(), reading=replace(READING, judge=JudgeReading(verdicts=20)))
    assert "; judge 20 verdicts; 2 rejects; " in plain_line(unknown)
    assert "judge" not in plain_line(a_view())


def test_plain_lines_come_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    lines = PlainLines()
    logger = logging.getLogger("beam_distill")
    logger.addHandler(caplog.handler)
    try:
        with caplog.at_level(logging.INFO, logger="beam_distill"):
            for quarter in range(1, 4 * 90):
                lines.show(a_view(quarter / 4))
    finally:
        logger.removeHandler(caplog.handler)
    assert 12 <= len(caplog.records) // (2 if logger.propagate else 1) <= 16


def test_no_terminal_gets_lines_and_quiet_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    assert isinstance(display_of_command(quiet=False), PlainLines)
    assert display_of_command(quiet=True) is None


class _WritesOnly:
    """A replacement of stderr, as programs use it to write to their log."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


def _closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, _WritesOnly(), _closed()], ids=["none", "writes_only", "closed"])
def test_a_stream_without_isatty_is_not_a_terminal(monkeypatch: pytest.MonkeyPatch, stream: object) -> None:
    monkeypatch.setattr("sys.stderr", stream)
    assert isinstance(display_of_command(quiet=False), PlainLines)
    assert isinstance(display_of_program(quiet=False, callback=None), PlainLines)


def test_messages_go_above_the_live_view_and_the_cursor_comes_back() -> None:
    out = io.StringIO()
    live = LiveTerminal(Console(file=out, force_terminal=True, width=80))
    live.show(a_view())
    live.close()
    assert out.getvalue().count("\x1b[?25l") == out.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize(("seconds", "shown"), [(0.4, "0:00"), (59.6, "1:00"), (754, "12:34"), (11109, "3:05:09")])
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
