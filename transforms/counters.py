"""Every counter and distribution of the pipeline, named with units. Call from process() or finish_bundle() only: an update on the
event loop's thread is lost."""

from apache_beam.metrics.metric import Metrics

from transforms.elements.replies import ScoredRow
from transforms.elements.rows import Split

NAMESPACE = "beam_distill"


class RowCounters:
    """Rows read and rejected."""

    def __init__(self) -> None:
        self._read = {split: Metrics.counter(NAMESPACE, f"{split.value}_rows_read") for split in Split}
        self._rejected: dict[str, Metrics.DelegatingCounter] = {}

    def row_read(self, split: Split) -> None:
        """One line of the input that is not blank."""
        self._read[split].inc()

    def row_rejected(self, reason: str) -> None:
        """One row that gave no example."""
        counter = self._rejected.get(reason)
        if counter is None:
            counter = self._rejected[reason] = Metrics.counter(NAMESPACE, f"rows_rejected_{reason}")
        counter.inc()


class RequestCounters:
    """Requests, their ends, tokens and latency."""

    def __init__(self) -> None:
        self._sent = Metrics.counter(NAMESPACE, "requests_sent")
        self._answered = Metrics.counter(NAMESPACE, "requests_answered")
        self._retried = Metrics.counter(NAMESPACE, "requests_retried")
        self._throttled = Metrics.counter(NAMESPACE, "requests_throttled")
        self._reused = Metrics.counter(NAMESPACE, "answers_reused")
        self._tokens_in = Metrics.counter(NAMESPACE, "prompt_tokens")
        self._tokens_out = Metrics.counter(NAMESPACE, "completion_tokens")
        self._latency_ms = Metrics.distribution(NAMESPACE, "latency_ms")
        self._failed: dict[str, Metrics.DelegatingCounter] = {}

    def row_scored(self, row: ScoredRow) -> None:
        """Everything that was sent for one row in this run."""
        if row.attempts:
            self._sent.inc(row.attempts)
        if row.paid_now:
            self._answered.inc(row.paid_now)
        ended = row.paid_now + (1 if row.failure is not None else 0)
        if row.attempts > ended:
            self._retried.inc(row.attempts - ended)
        for kind, count in row.failures_by_kind:
            counter = self._failed.get(kind)
            if counter is None:
                counter = self._failed[kind] = Metrics.counter(NAMESPACE, f"requests_failed_{kind}")
            counter.inc(count)
            if kind == "throttled":
                self._throttled.inc(count)
        for reply in row.replies[len(row.replies) - row.paid_now :]:
            self._tokens_in.inc(reply.prompt_tokens or 0)
            self._tokens_out.inc(reply.completion_tokens or 0)
            self._latency_ms.update(int(reply.latency_ms))

    def answers_reused(self, count: int) -> None:
        """Answers taken from the ledger instead of being asked for."""
        if count:
            self._reused.inc(count)
