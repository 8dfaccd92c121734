"""The doubles of an input that several processes read in parts: found by grouping the rows of all parts by what they have in common.

Each part is sketched alone (``PartSketcher``). Its marks, a digest and some keys for each row, go to buckets; a bucket of all parts knows
the first row with each mark (``pairs_in``). That row's part adds where the row is and its signature (``with_leaders``), and the part of
the later row decides (``decided``). The decisions are those of ``sieve``, because a row's answer depends on the rows before it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from transforms.elements.data_specs import DoublesSpec
from transforms.elements.parts import Stretch
from transforms.elements.rows import Split, TrainingRow
from transforms.elements.storable_text import storable_text
from transforms.intake.doubles.left_out import LeftOutRows, lines_of
from transforms.intake.doubles.sieve import Double, Sieve, asks_nearly, asks_same, place_of, sieve_for, together
from transforms.intake.doubles.sketches import BANDS, SIGNATURE_BYTES, similarities
from transforms.intake.opening import OpenFile
from transforms.intake.read_spec import ReadSpec
from transforms.intake.rows import read_stretch
from transforms.intake.walk import walk_stretch

PartName = tuple[str, int]
"""A split and the number of a part."""
_SKETCH = np.dtype([("row", "<u4"), ("line", "<u8"), ("signature", "u1", (SIGNATURE_BYTES,))])
"""``row`` and ``line`` are counted within the part."""
_DIGEST = np.dtype([("mark", "<u8"), ("row", "<u4")])
_KEY = np.dtype([("mark", "<u4"), ("row", "<u4")])
_PAIR = np.dtype([("leader", "<u4"), ("row", "<u4")])
_FOUND = np.dtype([("row", "<u4"), ("leader", "<u4"), ("line", "<u8"), ("signature", "u1", (SIGNATURE_BYTES,))])
DIGESTS = BANDS
"""The number of the marks that are digests; smaller ones are bands of keys."""


class SketchedPart(NamedTuple):
    """``rows`` are its packed sketches; ``marks`` the packed marks by (number, bucket). ``left_out``: what is known without other rows,
    by ordinals of the part, or of the split if ``is_decided``."""

    rows: bytes = b""
    marks: tuple[tuple[tuple[int, int], bytes], ...] = ()
    left_out: bytes = b""
    is_decided: bool = False


class Pairs(NamedTuple):
    """Rows of the part ``of`` with a mark whose first row is in another part; ``is_exact``: they ask the same."""

    of: PartName
    is_exact: bool
    packed: bytes


class Leaders(NamedTuple):
    """The first rows with a mark, for later rows of one part: rows of ``part``, in ``file``."""

    part: PartName
    file: str
    is_exact: bool
    packed: bytes


class PartSketcher:
    """Sketches parts; what all parts are compared with is read once."""

    def __init__(self, open_file: Callable[[str], OpenFile], reading: ReadSpec) -> None:
        self._open_file = open_file
        self._reading = reading
        doubles = replace(reading.doubles, leaks=False, drop="near" if reading.doubles.compares_words else "exact")
        self._sieve: Sieve = sieve_for(open_file, Split.TRAIN, replace(reading, doubles=doubles))

    def sketch(self, stretch: Stretch) -> SketchedPart:
        """One part. A stretch with a limit has the first rows of a split, which are decided at once."""
        if stretch.most_rows is not None:
            decided = LeftOutRows()
            for row in walk_stretch(self._open_file, stretch, self._reading):
                decided.note(row)
            return SketchedPart(left_out=decided.packed(), is_decided=True)
        rows, digests, keys, known = [], [], [], LeftOutRows()
        for some in together(read_stretch(self._open_file, stretch, self._reading)):
            usable = [row for row in some if isinstance(row, TrainingRow)]
            if not usable:
                continue
            found, sketches = self._sieve.look_at(usable)
            packed = np.zeros(len(usable), _SKETCH)
            packed["row"] = [row.origin.ordinal for row in usable]
            packed["line"] = [row.origin.line for row in usable]
            if len(sketches.signatures):
                packed["signature"] = sketches.signatures
                keys.append(sketches.keys)
            rows.append(packed)
            digests.append(sketches.digests)
            for row, double in zip(usable, found, strict=True):
                if double is not None:
                    known.add(row.origin.ordinal, double.reason, double.detail)
        if not rows or (self._reading.doubles.drop == "off" and not self._reading.doubles.leaks):
            return SketchedPart(left_out=known.packed())  # nothing depends on other rows
        every = np.concatenate(rows)
        marks = [*_buckets(DIGESTS, np.concatenate(digests), every["row"], _DIGEST)]
        for band in range(BANDS if keys else 0):
            marks += _buckets(band, np.concatenate([some[:, band] for some in keys]), every["row"], _KEY)
        return SketchedPart(every.tobytes(), tuple(marks), known.packed())


def _buckets(number: int, marks: np.ndarray, rows: np.ndarray, kind: np.dtype) -> Iterator[tuple[tuple[int, int], bytes]]:
    packed = np.empty(len(marks), kind)
    packed["mark"], packed["row"] = marks, rows
    bucket_of = marks & marks.dtype.type(0xFF)
    order = np.argsort(bucket_of, kind="stable")
    begins = np.searchsorted(bucket_of[order], np.arange(257))
    for bucket in range(256):
        if begins[bucket] < begins[bucket + 1]:
            yield (number, bucket), packed[order[begins[bucket] : begins[bucket + 1]]].tobytes()


def pairs_in(number: int, parts: Iterable[tuple[PartName, bytes]], doubles: DoublesSpec) -> Iterator[tuple[PartName, Pairs]]:
    """In: one bucket of all parts. Out: for the part of each first row, the later rows with the same mark."""
    kind, is_exact = (_DIGEST, True) if number == DIGESTS else (_KEY, False)
    unpacked = [(name, np.frombuffer(packed, kind)) for name, packed in sorted(parts)]
    train, validation = ([part for part in unpacked if part[0][0] == split.value] for split in (Split.TRAIN, Split.VALIDATION))
    for own in (train, validation):
        if own and (doubles.drop == "near" or (doubles.drop == "exact" and is_exact)):
            yield from _pairs(own, own, is_exact)
    if train and validation and doubles.leaks:
        yield from _pairs(validation, train, is_exact)


def _pairs(
    firsts_among: list[tuple[PartName, np.ndarray]], later: list[tuple[PartName, np.ndarray]], is_exact: bool
) -> Iterator[tuple[PartName, Pairs]]:
    among, of_among = _together(firsts_among)
    entries, of_entry = _together(later)
    different, firsts = np.unique(among["mark"], return_index=True)
    places = np.minimum(np.searchsorted(different, entries["mark"]), len(different) - 1)
    leaders = firsts[places]
    paired = np.flatnonzero(different[places] == entries["mark"])
    if firsts_among is later:
        paired = paired[leaders[paired] < paired]
    both = np.stack([of_among[leaders[paired]], of_entry[paired]], axis=1)
    for leader_part, part in np.unique(both, axis=0).tolist():
        here = paired[(both[:, 0] == leader_part) & (both[:, 1] == part)]
        packed = np.empty(len(here), _PAIR)
        packed["leader"], packed["row"] = among["row"][leaders[here]], entries["row"][here]
        yield firsts_among[leader_part][0], Pairs(later[part][0], is_exact, packed.tobytes())


def _together(parts: list[tuple[PartName, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    return np.concatenate([packed for _, packed in parts]), np.repeat(np.arange(len(parts)), [len(packed) for _, packed in parts])


def with_leaders(stretch: Stretch, rows: bytes, pairs: Iterable[Pairs]) -> Iterator[tuple[PartName, Leaders]]:
    """For later rows of each part, the first rows in this part, with their place in the file and their signature."""
    part = stretch.parts[0]
    sketched = np.frombuffer(rows, _SKETCH)
    for some in pairs:
        pair = np.frombuffer(some.packed, _PAIR)
        places = np.searchsorted(sketched["row"], pair["leader"])
        packed = np.empty(len(pair), _FOUND)
        packed["row"], packed["leader"] = pair["row"], pair["leader"]
        packed["line"], packed["signature"] = sketched["line"][places] + np.uint64(stretch.lines_before), sketched["signature"][places]
        yield some.of, Leaders((part.split.value, part.number), storable_text(part.file), some.is_exact, packed.tobytes())


def decided(stretch: Stretch, sketched: SketchedPart, found: Iterable[Leaders], reading: ReadSpec) -> bytes:
    """The rows of this part that are left out, packed by ``left_out``."""
    if sketched.is_decided:
        return sketched.left_out
    own = np.frombuffer(sketched.rows, _SKETCH)
    best: dict[int, tuple[tuple[int, int, int], Double]] = {}
    for leaders in found:
        is_leak = leaders.part[0] != stretch.split.value
        packed = np.frombuffer(leaders.packed, _FOUND)
        estimated = similarities(own["signature"][np.searchsorted(own["row"], packed["row"])], packed["signature"])
        for (row, leader, line, _), similarity in zip(packed.tolist(), estimated.tolist(), strict=True):
            if not leaders.is_exact and similarity < reading.doubles.similarity:
                continue
            rank = (2 * (not is_leak) + (not leaders.is_exact), leaders.part[1], leader)
            if row not in best or rank < best[row][0]:
                where = place_of(leaders.file, line, reading.format)
                best[row] = rank, asks_same(where, is_leak) if leaders.is_exact else asks_nearly(where, similarity, is_leak)
    known = {row: Double(reason, detail) for row, reason, detail in lines_of(sketched.left_out)}
    left_out = LeftOutRows()
    for row, double in sorted({**{row: double for row, (_, double) in best.items()}, **known}.items()):
        left_out.add(stretch.rows_before + row, double.reason, double.detail)
    return left_out.packed()
