"""Mini-batches are bounded by bytes."""

import pytest
from builders import a_request

from transforms.batch_by_size import _BatchFn


@pytest.mark.fault("G16")
@pytest.mark.parametrize(("letter", "rows"), [("a", 4), ("é", 2), ("字", 1), ("😀", 1)])
def test_a_batch_is_bounded_by_bytes_not_by_letters(letter: str, rows: int) -> None:
    batching = _BatchFn(400)
    batching.start_bundle()
    pending = [(a_request(("user", letter * 100), key=f"row-{number}"), None) for number in range(8)]
    batches = [batch for element in pending for batch in batching.process(element)]  # type: ignore[arg-type]
    assert {len(batch) for batch in batches} == {rows}  # type: ignore[arg-type]
