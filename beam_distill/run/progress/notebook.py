"""The live view in a notebook's cell: one output, updated in place; the last state stays."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from beam_distill.run.progress.terminal import Panel
from beam_distill.run.progress.tracker import ProgressView

COLUMNS = 110
REDRAW_EVERY_S = 0.5
_HTML = '<pre style="white-space:pre;overflow-x:auto;line-height:normal;margin:0">{code}</pre>'


class NotebookView:
    """Shows the terminal's view as one HTML output of the cell in which it is created. Any thread may draw."""

    def __init__(self) -> None:
        # late: keeps IPython out of the start
        from IPython.display import display  # IPython is installed in a notebook

        self._output: Any = display({"text/plain": ""}, raw=True, display_id=True)
        self._shown_s = -REDRAW_EVERY_S
        self._last: ProgressView | None = None

    def show(self, view: ProgressView) -> None:
        """Draw this view, unless the last one is very recent."""
        self._last = view
        if view.elapsed_s - self._shown_s >= REDRAW_EVERY_S:
            self._shown_s = view.elapsed_s
            self._draw(view)

    def close(self) -> None:
        """Draw the last view, which stays."""
        if self._last is not None:
            self._draw(self._last)

    def _draw(self, view: ProgressView) -> None:
        html, text = drawn(view)
        self._output.update({"text/html": html, "text/plain": text}, raw=True)


def drawn(view: ProgressView) -> tuple[str, str]:
    """The view as HTML without any script, and as text."""
    console = Console(file=io.StringIO(), record=True, width=COLUMNS, color_system="truecolor", force_terminal=True, force_jupyter=False)
    console.print(Panel(view))
    html = console.export_html(inline_styles=True, code_format=_HTML, clear=False)
    return html, console.export_text()
