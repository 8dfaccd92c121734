"""BatchBySize: rows go to the scoring stage in mini-batches bounded by bytes."""

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow, GlobalWindows
from apache_beam.typehints import with_output_types
from apache_beam.utils.windowed_value import WindowedValue

from transforms.elements.flow import Batch, Pending, PendingOrDone
from transforms.elements.replies import ScoredRow
from transforms.elements.rows import RejectedRow

FIRST_BATCH_ROWS = 8  # small first batches: the endpoint gets work while the rest of the file is read


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8"))


@with_output_types(Batch)
class _BatchFn(beam.DoFn):
    def __init__(self, mini_batch_bytes: int) -> None:
        self._mini_batch_bytes = mini_batch_bytes

    def start_bundle(self) -> None:
        self._batch: list[Pending] = []
        self._bytes = 0
        self._most_rows = FIRST_BATCH_ROWS

    def process(self, element: PendingOrDone) -> Iterator[Batch]:
        if isinstance(element, (ScoredRow, RejectedRow)):
            yield element
            return
        size = sum(map(_bytes_of, (message.content for turn in element[0].turns for message in turn)))
        if self._batch and (self._bytes + size > self._mini_batch_bytes or len(self._batch) >= self._most_rows):
            yield self._take()
        self._batch.append(element)
        self._bytes += size

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._batch:
            window = GlobalWindow()
            yield WindowedValue(self._take(), window.max_timestamp(), [window])

    def _take(self) -> list[Pending]:
        batch, self._batch, self._bytes = self._batch, [], 0
        self._most_rows *= 2
        return batch


@dataclass
class BatchBySize(beam.PTransform[beam.PCollection[PendingOrDone], beam.PCollection[Batch]]):
    """Collect pending requests into lists of at most ``mini_batch_bytes`` of message text; a larger row gets its own list.

    A batch is only a transport: it waits no longer than the reader takes to fill it. Raises ValueError for rows outside the global window,
    since a batch has rows of one window.
    """

    mini_batch_bytes: int

    def expand(self, pending: beam.PCollection[PendingOrDone]) -> beam.PCollection[Batch]:
        if not isinstance(pending.windowing.windowfn, GlobalWindows):
            raise ValueError("rows in windows cannot be collected into batches; put beam.WindowInto(beam.window.GlobalWindows()) before this")
        return pending | "Gather" >> beam.ParDo(_BatchFn(self.mini_batch_bytes))
