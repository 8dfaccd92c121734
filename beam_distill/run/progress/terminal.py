"""One live view at the bottom of a terminal; messages scroll above it."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from beam_distill.run.progress import words
from beam_distill.run.progress.tracker import ProgressView

WIDEST_BAR = 40
NARROWEST_BAR = 8


class LiveTerminal:
    """Redraws the view in place on standard error. Respects NO_COLOR and the terminal's width, also when it changes."""

    def __init__(self, console: Console | None = None, on_close: Callable[[], None] = lambda: None) -> None:
        self._on_close = on_close
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(Text(""), console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._live.start()

    def show(self, view: ProgressView) -> None:
        """Draw this view."""
        self._live.update(Panel(view), refresh=True)

    def close(self) -> None:
        """Restore the terminal; the summary replaces the view."""
        self._live.stop()
        self._on_close()


class Panel:
    """A view for the terminal's width."""

    def __init__(self, view: ProgressView) -> None:
        self._view = view

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        view, width = self._view, options.max_width
        between = ", " if options.ascii_only else " · "
        yield self._bars(width)
        for items, style in (
            (words.pace(view) + words.endpoint(view) + words.judge(view) + words.outcome(view), ""),
            (words.time_and_money(view), "bold"),
        ):
            for line in _packed(items, between, width):
                yield Text(line, style=style, no_wrap=True, overflow="ellipsis")

    def _bars(self, width: int) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        longest = max(len(words.of_total(split)) for split in self._view.splits)
        room = width - longest - len("validation") - len("100%") - 4
        for split in self._view.splits:
            cells: list[RenderableType] = [Text(split.name, style="bold")]
            share = split.share
            if room >= NARROWEST_BAR:
                bar = ProgressBar(total=1.0, completed=share or 0.0, width=min(WIDEST_BAR, room), pulse=False)
                cells.append(bar)
            cells.append(Text("" if share is None else f"{int(100 * share)}%", justify="right"))
            cells.append(Text(words.of_total(split), justify="right", no_wrap=True))
            table.add_row(*cells)
        return table


def _packed(items: list[str], between: str, width: int) -> list[str]:
    """The items on as few lines as possible; an item is broken only if it is wider than a line."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(between) + len(item) <= width:
            lines[-1] += between + item
        else:
            lines.append(item)
    return lines
