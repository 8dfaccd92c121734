"""Every counter and distribution of the pipeline, named with units. Call from process() or finish_bundle() only: Beam loses updates on the
event loop's thread.

Updating a Beam metric costs more than reading a row, so counts are collected and passed to Beam every ``FLUSH_EVERY_ROWS`` rows and
at the end of a bundle (``flush``). ``live_counts`` shows the counts of this process at any time.
"""

import threading
import weakref
from collections import defaultdict

from apache_beam.metrics.metric import Metrics

from transforms.elements.counter_names import ANSWERS_BY, LEFT_OUT, REFUSED_BY
from transforms.elements.failures import FailureKind
from transforms.elements.replies import NOT_JUDGED, ScoredRow
from transforms.elements.rows import Split

NAMESPACE = "beam_distill"
FLUSH_EVERY_ROWS = 250

_flushed: dict[str, int] = {}
_moving = threading.Lock()
_collecting: "weakref.WeakSet[_Collected]" = weakref.WeakSet()


def live_counts() -> dict[str, int]:
    """The current counters of this process, without waiting for Beam. They only grow, also from one job to the next."""
    with _moving:
        counts = dict(_flushed)
        for collected in list(_collecting):
            for name, count in list(collected._counts.items()):
                counts[name] = counts.get(name, 0) + count
    return counts


class _Collected:
    """Counts by name, collected here and passed to Beam from time to time."""

    def __init__(self) -> None:
        with _moving:
            _collecting.add(self)
        self._counters: dict[str, Metrics.DelegatingCounter] = {}
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._rows = 0

    def flush(self) -> None:
        """Pass the collected counts to Beam; call it in finish_bundle()."""
        self._rows = 0
        for name, count in self._counts.items():
            if count:
                counter = self._counters.get(name)
                if counter is None:
                    counter = self._counters[name] = Metrics.counter(NAMESPACE, name)
                counter.inc(count)
        with _moving:
            for name, count in self._counts.items():
                _flushed[name] = _flushed.get(name, 0) + count
            self._counts.clear()

    def _add(self, name: str, count: int) -> None:
        self._counts[name] += count

    def _row_done(self) -> None:
        self._rows += 1
        if self._rows >= FLUSH_EVERY_ROWS:
            self.flush()


class RowCounters(_Collected):
    """Rows read and rejected."""

    def row_read(self, split: Split) -> None:
        """One line of the input that is not blank."""
        self._add(_ROWS_READ[split], 1)
        self._row_done()

    def row_rejected(self, reason: str) -> None:
        """One row that gave no example."""
        self._add(f"rows_rejected_{reason}", 1)
        self._row_done()


class RequestCounters(_Collected):
    """Requests, their ends, tokens and latency."""

    def __init__(self) -> None:
        super().__init__()
        self._latency_ms = Metrics.distribution(NAMESPACE, "latency_ms")
        self._latencies_ms: list[int] = []
        self._left_out: set[str] = set()

    def flush(self) -> None:
        """Pass the collected counts to Beam; call it in finish_bundle()."""
        super().flush()
        for latency_ms in self._latencies_ms:
            self._latency_ms.update(latency_ms)
        self._latencies_ms.clear()

    def row_scored(self, row: ScoredRow) -> None:
        """All requests of this run for one row."""
        counts = self._counts  # called for every row, so written for speed
        if row.stopped is None:
            counts[_ROWS_SCORED[row.request.row.origin.split]] += 1
        counts["requests_sent"] += row.attempts
        counts["requests_answered"] += row.paid_now
        if row.retries:
            counts["requests_retried"] += row.retries
        for kind, count in row.failures_by_kind:
            counts[f"requests_failed_{kind}"] += count
            if kind == "throttled":
                counts["requests_throttled"] += count
        if row.answers_shared:
            counts["answers_shared"] += row.answers_shared
        if row.judging != NOT_JUDGED:
            counts["judge_requests_sent"] += row.judging.requests
            counts["judge_requests_retried"] += row.judging.retries
            counts["judge_requests_throttled"] += row.judging.throttled
            counts["judge_verdicts"] += row.judging.paid
            counts["judge_prompt_tokens"] += row.judging.usage.prompt
            counts["judge_completion_tokens"] += row.judging.usage.completion
        for reply in row.paid_replies:
            counts["prompt_tokens"] += reply.prompt_tokens or 0
            counts["completion_tokens"] += reply.completion_tokens or 0
            counts["cached_tokens"] += reply.cached_tokens
            counts["reasoning_tokens"] += reply.reasoning_tokens
            self._latencies_ms.append(int(reply.latency_ms))
            if reply.first_token_ms is not None:
                counts["answers_streamed"] += 1
                counts["first_token_ms"] += int(reply.first_token_ms)
                counts["streaming_ms"] += int(reply.latency_ms - reply.first_token_ms)
                counts["streamed_tokens"] += reply.completion_tokens or 0
        self._row_done()

    def endpoints(self, answers: dict[str, int], refused: dict[str, FailureKind]) -> None:
        """What several endpoints did since the last call in this process: answers by name, and why one was taken out."""
        for name, count in answers.items():
            self._add(f"{ANSWERS_BY}{name}", count)
        for name, kind in refused.items():
            self._add(f"{REFUSED_BY}{kind.value}_{name}", 1)

    def left_out(self, names: tuple[str, ...]) -> None:
        """Fields of the request that this process's teacher has refused so far."""
        for name in names:
            if name not in self._left_out:
                self._left_out.add(name)
                self._add(LEFT_OUT + name, 1)

    def signs(self, counts: dict[str, int]) -> None:
        """Answers with a sign of a fault since the last call in this process, by the counter's name."""
        for name, count in counts.items():
            self._add(name, count)

    def row_passed(self, split: Split) -> None:
        """One row that needs no request: unusable, or answered on the ledger."""
        self._add(_ROWS_PASSED[split], 1)

    def answers_reused(self, count: int) -> None:
        """Answers taken from the ledger instead of the teacher."""
        self._add("answers_reused", count)


_ROWS_READ = {split: f"{split.value}_rows_read" for split in Split}
_ROWS_SCORED = {split: f"{split.value}_rows_scored" for split in Split}
_ROWS_PASSED = {split: f"{split.value}_rows_passed" for split in Split}
