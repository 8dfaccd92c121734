"""Messages about fields that a teacher does not support."""

import pytest

from beam_distill.after_run.left_out import left_out, left_out_warnings


@pytest.mark.fault("D10", "A1")
def test_what_was_left_out_is_named_once() -> None:
    metrics = {"requests_sent": 5, "left_out_top_p": 2, "left_out_temperature": 1, "left_out_system": 1, "left_out_stop": 0}
    assert left_out(metrics) == ["system", "temperature", "top_p"]
    fields, system = left_out_warnings(metrics)
    assert "temperature, top_p" in fields
    assert "system messages" in system
    assert left_out_warnings({"requests_sent": 5}) == []
