"""The thread that reads a run's state every second, shows it and keeps it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from beam_distill.run.progress.tracker import ProgressView, Tracker
from beam_distill.work_dir.reading import Reading
from beam_distill.work_dir.timeline import Timeline

log = logging.getLogger("beam_distill")

LOOK_EVERY_S = 0.25
KEEP_EVERY_S = 1.0


class Source(Protocol):
    """A source of readings."""

    def read(self) -> Reading:
        """The approximate current state."""
        ...


class Totals(Protocol):
    """How many rows there will be."""

    def known(self) -> dict[str, int]:
        """The splits that are counted to their end, so far."""
        ...

    def close(self) -> None:
        """Stop counting."""
        ...


class Display(Protocol):
    """A display of progress."""

    def show(self, view: ProgressView) -> None:
        """Show this view; called several times a second, and once at the end."""
        ...

    def close(self) -> None:
        """There are no more views."""
        ...


@dataclass
class Watch:
    """The source and the destinations of readings. ``source`` may change during the run: a cluster's job has metrics only after its
    submission, and must not be asked too often (``look_every_s``). ``stopping`` is set when nothing more is sent.
    """

    source: Source
    tracker: Tracker
    totals: Totals
    timeline: Timeline
    look_every_s: float = LOOK_EVERY_S
    stopping: threading.Event = field(default_factory=threading.Event)

    def follow(self, display: Display | None, done: threading.Event) -> None:
        """Read until ``done``, and once more then."""
        began = time.monotonic()
        kept_s = -KEEP_EVERY_S
        try:
            while True:
                last = done.wait(self.look_every_s)
                elapsed_s = time.monotonic() - began
                reading = self.source.read()
                if last or elapsed_s - kept_s >= KEEP_EVERY_S:
                    self.timeline.add(elapsed_s, reading)
                    kept_s = elapsed_s
                if display is not None:
                    display.show(self.tracker.view(elapsed_s, reading, self.totals.known(), self.stopping.is_set() or last))
                if last:
                    self.timeline.close()
                    break
        except Exception:
            log.warning("progress is no longer shown; the run continues", exc_info=True)
        finally:
            if display is not None:
                display.close()


@contextmanager
def watched(watch: Watch, display: Display | None) -> Iterator[Watch]:
    """Show and keep a run's progress until the end of the block. Errors here never affect the run."""
    done = threading.Event()
    thread = threading.Thread(target=watch.follow, args=(display, done), name="progress", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        done.set()
        thread.join()
        watch.totals.close()
