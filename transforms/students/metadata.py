"""The field ``metadata`` of an example: how it was found among the row's samples, and the row's own columns."""

from __future__ import annotations

from typing import Any

import orjson

from transforms.elements.data_specs import ALL_COLUMNS, MetadataSpec
from transforms.elements.rows import DistilledExample, PreferencePair

METADATA = "metadata"


def metadata_of(example: DistilledExample, spec: MetadataSpec) -> dict[str, Any]:
    """The metadata as JSON values. ``pass_rate``: the share of the examined samples that the checks accepted, 0 to 1."""
    tries = example.tries
    if tries is None:
        raise ValueError("the example does not say how it was found")
    found: dict[str, Any] = {
        "row_key": example.row_key,
        "sample": tries.sample,
        "samples": tries.examined,
        "pass_rate": round(tries.accepted / tries.examined, 6),
        "votes": tries.votes,
        "checks": list(spec.checks),
    }
    if spec.scored:
        scores = dict(tries.scores)
        found["scores"] = {check: scores.get(check) for check in spec.scored}
    if spec.columns:
        columns = orjson.loads(example.columns)
        found["columns"] = columns if ALL_COLUMNS in spec.columns else {name: columns.get(name) for name in spec.columns}
    return found


def metadata_of_pair(pair: PreferencePair, spec: MetadataSpec) -> dict[str, Any]:
    """The metadata of the chosen answer, with the number of the rejected sample and the reason why it was refused."""
    tries = pair.rejected.tries
    return {**metadata_of(pair.chosen, spec), "rejected_sample": None if tries is None else tries.sample, "rejected_because": pair.reason}


def metadata_type(spec: MetadataSpec, of_pairs: bool = False) -> Any:
    """The pyarrow type of the metadata. ``columns`` is JSON text: their types may differ from row to row, and a table's are the same in all."""
    # late: keeps PyArrow out of the start
    import pyarrow

    whole, share, text = pyarrow.int32(), pyarrow.float64(), pyarrow.string()
    fields = [("row_key", text), ("sample", whole), ("samples", whole), ("pass_rate", share), ("votes", whole)]
    fields.append(("checks", pyarrow.list_(text)))
    if spec.scored:
        fields.append(("scores", pyarrow.struct([(check, share) for check in spec.scored])))
    fields += [("columns", text)] * bool(spec.columns)
    return pyarrow.struct(fields + [("rejected_sample", whole), ("rejected_because", text)] * of_pairs)


def metadata_in_table(found: dict[str, Any]) -> dict[str, Any]:
    """The metadata as it is in a table."""
    return {**found, "columns": orjson.dumps(found["columns"]).decode()} if "columns" in found else found
