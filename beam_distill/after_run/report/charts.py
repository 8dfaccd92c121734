"""Charts as SVG inside the page: text as text, lines in the page's own colour, for light and dark pages.

matplotlib takes most of a second to load; only this module loads it.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, MultipleLocator, NullLocator

from beam_distill.after_run.report.counting import LogHistogram

BLUE, ORANGE, GREEN, RED, PURPLE, GREY = "#3987c5", "#d98324", "#2f9e62", "#d64550", "#8c6bc8", "#8b919a"
SERIES = (RED, ORANGE, PURPLE, BLUE, GREEN, GREY, "#b5a03a", "#c46bb0")
_INK = "#010203"  # placeholder for the page's text colour
_SIZE = (5.2, 2.8)
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "text.parse_math": False,
}
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd]")

Line = tuple[Sequence[float], Sequence[float]]
"""Seconds since the run began, and the values."""


def pace_chart(answers: Line, in_flight: Line, limit: Line | None) -> str:
    """Answers a second at the top, requests in flight and their limit below."""

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        upper.step(*answers, where="post", color=BLUE, linewidth=1.4)
        upper.set_ylabel("answers/s")
        if limit is not None:
            lower.step(*limit, where="post", color=ORANGE, linewidth=1.4, label="allowed")
        lower.step(*in_flight, where="post", color=GREEN, linewidth=1.4, label="in flight")
        lower.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.1, handlelength=1.2)
        lower.set_ylabel("requests")
        for axes in (upper, lower):
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        _time_axis(lower)
        figure.align_ylabels([upper, lower])

    said = f"At most {max(answers[1], default=0):.0f} answers a second; at most {max(in_flight[1], default=0):.0f} requests in flight."
    return _svg("pace", "Throughput, requests in flight and their limit over time", said, draw, (_SIZE[0], 3.9))


def failures_chart(edges_s: Sequence[float], by_kind: Mapping[str, Sequence[float]]) -> str:
    """Failed attempts by kind over time: stacked bars."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        width = edges_s[1] - edges_s[0]
        floor = [0.0] * (len(edges_s) - 1)
        for number, (kind, counts) in enumerate(by_kind.items()):
            axes.bar(edges_s[:-1], counts, width * 0.9, floor, align="edge", color=SERIES[number % len(SERIES)], label=kind.replace("_", " "))
            floor = [below + count for below, count in zip(floor, counts, strict=True)]
        axes.set_ylabel("failed attempts")
        axes.set_ylim(top=1.08 * max(floor, default=1.0))
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.1, handlelength=1.0, columnspacing=1.0)
        _time_axis(axes)

    said = ", ".join(f"{kind.replace('_', ' ')}: {sum(counts):.0f}" for kind, counts in by_kind.items())
    return _svg("failures", "Failed attempts by kind over time", said, draw, (_SIZE[0], 3.6))


def spread_chart(name: str, title: str, unit: str, series: Mapping[str, LogHistogram], shown: Callable[[float], str]) -> str:
    """The distribution of values, on a logarithmic scale, with the median and a high quantile of the first series."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.set_xscale("log")
        for (label, histogram), colour in zip(series.items(), (BLUE, ORANGE), strict=False):
            edges, counts = histogram.bars()
            axes.stairs(counts, edges, fill=True, color=colour, alpha=0.75 if len(series) == 1 else 0.55, label=label)
            axes.stairs(counts, edges, color=colour, linewidth=1.2)
        if len(series) == 1:
            (only,) = series.values()
            for share, style in ((0.5, "-"), (0.95, "--")):
                axes.axvline(only.quantile(share), color=_INK, linewidth=1.0, linestyle=style, label=_quantile_name(share))
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.1, handlelength=1.2)
        axes.set_xlabel(unit)
        axes.set_ylabel("answers")
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        _magnitudes(axes, shown)

    said = "; ".join(
        f"{label}: half at most {shown(histogram.quantile(0.5))}, 95% at most {shown(histogram.quantile(0.95))} {unit}"
        for label, histogram in series.items()
    )
    return _svg(name, title, said, draw)


def labels_chart(top: Sequence[tuple[str, int]], rest: int) -> str:
    """How often each answer was given; the rest in one bar."""
    return counts_chart("labels", "How often each answer was given", top, rest)


def counts_chart(name: str, title: str, top: Sequence[tuple[str, int]], rest: int = 0) -> str:
    """A bar for each name with its count; the rest in one grey bar."""
    names = [_printable(label) for label, _ in top] + (["all others"] if rest else [])
    counts = [count for _, count in top] + ([rest] if rest else [])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        colours = [BLUE] * len(top) + [GREY]
        bars = axes.barh(range(len(names)), counts, color=colours[: len(names)], height=0.7)
        axes.bar_label(bars, [f"{count:,}" for count in counts], padding=3, color=_INK, fontsize=10)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.grid(False)
        axes.set_xlim(right=max(counts) * 1.15)
        axes.xaxis.set_major_locator(NullLocator())
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.tick_params(length=0)

    said = ", ".join(f"{label}: {count:,}" for label, count in zip(names, counts, strict=True))
    return _svg(name, title, said, draw, (_SIZE[0], 0.7 + 0.27 * len(names)))


def _quantile_name(share: float) -> str:
    return "half are faster" if share == 0.5 else f"{share:.0%} are faster"


def _time_axis(axes: Axes) -> None:
    longest = axes.get_xlim()[1]
    unit, name = (1.0, "s") if longest < 300 else (60.0, "min") if longest < 3 * 3600 else (3600.0, "h")
    steps = [1, 2, 5, 10] if unit == 1.0 else [1, 1.5, 3, 6, 10]
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=steps))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / unit:g}"))
    if unit != 1.0:
        axes.xaxis.set_major_locator(_whole_units(longest, unit))
    axes.set_xlabel(f"time since the run began ({name})")


def _whole_units(longest: float, unit: float) -> Any:
    for step in (0.5, 1, 2, 3, 5, 10, 15, 20, 30, 60):
        if longest / (unit * step) <= 8:
            break
    return MultipleLocator(unit * step)


def _magnitudes(axes: Axes, shown: Callable[[float], str]) -> None:
    low, high = axes.get_xlim()
    subs = (1.0,) if high / low > 1000 else (1.0, 2.0, 5.0)
    axes.xaxis.set_major_locator(LogLocator(10, subs))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value)))


def _printable(text: str) -> str:
    text = _NOT_PRINTABLE.sub("\ufffd", " ".join(text.split()))
    return text if len(text) <= 32 else text[:31] + "…"


def _svg(name: str, title: str, description: str, draw: Callable[[Figure], None], size: tuple[float, float] = _SIZE) -> str:
    style: Any = {**_STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reader's own font has letters that this font does not have
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _for_a_page(out.getvalue(), name, title, description)


def _for_a_page(svg: str, name: str, title: str, description: str) -> str:
    """The drawing without file header, with unique ids, the page's font and colour, and a text alternative."""
    svg = svg[svg.index("<svg") :]
    body = svg[svg.index(">") + 1 :]
    box = re.search(r'viewBox="([^"]+)"', svg)
    assert box is not None
    body = re.sub(r"<style.*?</style>", "", body, flags=re.S)
    body = re.sub(r' id="([^"]+)"', rf' id="{name}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r"font-family: [^;\"]+(; )?", "", body)
    body = body.replace(_INK, "currentColor").replace("xlink:href", "href")
    return (
        f'<svg class="chart" role="img" viewBox="{box[1]}" aria-labelledby="{name}-title {name}-description" '
        f'stroke-linejoin="round"><title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-description">{escape(description)}</desc>{body}'
    )
