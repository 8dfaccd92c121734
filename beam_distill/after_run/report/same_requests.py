"""Rows that asked the same as others, by the requests on the ledger: what drop_doubles and drop_leaks would have saved."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from beam_distill.after_run.judge_line import tokens_text
from beam_distill.before_run.doubles_found import leaks_text
from beam_distill.job.prices import Prices
from transforms.elements.counted import counted
from transforms.elements.rows import Split
from transforms.elements.usage import Usage
from transforms.intake.key_set import KeySet
from transforms.ledger.avro_schema import paid_usage


class SameRequests:
    """The first requests of all rows, in some 30 bytes each."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, KeySet] = defaultdict(KeySet)
        self._asked: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
        self._doubles: dict[str, tuple[int, Usage]] = {}

    def add(self, record: dict[str, Any]) -> None:
        """Count a current record; only first turns of first samples count, and only paid ones."""
        if record["turn"] or record.get("sample") or not record["attempts"]:
            return
        split, digest = record["split"], _short(record["request_hash"])
        self._asked[split].append(digest)
        if not self._seen[split].add(digest):
            rows, usage = self._doubles.get(split, (0, Usage()))
            self._doubles[split] = rows + 1, usage.plus(paid_usage(record))

    def warnings(self, prices: Prices | None) -> Iterator[str]:
        """A sentence for each split with doubles, and one for leaks."""
        for split, (rows, usage) in sorted(self._doubles.items()):
            cost = "" if prices is None else f", {prices.shown(prices.cost(usage))}"
            asked = counted(rows, "row was sent that asks", "rows were sent that ask")
            yield f"{split}: {asked} what another row asks, for {tokens_text(usage)}{cost}; drop_doubles exact leaves them out"
        known = set(self._asked.get(Split.VALIDATION.value, ()))
        leaks = sum(digest in known for digest in self._asked.get(Split.TRAIN.value, ()))
        if leaks:
            yield leaks_text(leaks)


def _short(request_hash: str) -> int:
    """64 bits, in which the two sets take less memory."""
    return int.from_bytes(blake2b(request_hash.encode(), digest_size=8).digest(), "little")
