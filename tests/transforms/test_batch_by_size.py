"""Mini-batches are bounded by bytes, and of the global window."""

import apache_beam as beam
import pytest
from apache_beam.transforms.window import FixedWindows
from builders import a_request

from transforms.batch_by_size import BatchBySize, _BatchFn


@pytest.mark.fault("G16")
@pytest.mark.parametrize(("letter", "rows"), [("a", 4), ("é", 2), ("字", 1), ("😀", 1)])
def test_a_batch_is_bounded_by_bytes_not_by_characters(letter: str, rows: int) -> None:
    batching = _BatchFn(400)
    batching.start_bundle()
    pending = [(a_request(("user", letter * 100), key=f"row-{number}"), None) for number in range(8)]
    batches = [batch for element in pending for batch in batching.process(element)]  # type: ignore[arg-type]
    assert {len(batch) for batch in batches} == {rows}  # type: ignore[arg-type]


def test_rows_in_windows_are_refused_when_the_pipeline_is_made() -> None:
    windowed = beam.Pipeline() | beam.Create([(a_request(("user", "x")), ())]) | beam.WindowInto(FixedWindows(10))
    with pytest.raises(ValueError, match="GlobalWindows"):
        windowed | BatchBySize(400)  # noqa: B018 - applying it is what is tested
