"""Lines of Beam that help nobody are not shown to a program that calls distill, and its logging is as before afterwards."""

import logging
from typing import Any

import apache_beam.runners.portability.fn_api_runner.fn_runner as runner
import pytest

from beam_distill.run.process_wide import ROOT_LOGGER_LEFT_ALONE


def test_advice_about_processes_that_are_ours_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    log: Any = runner._LOGGER
    with ROOT_LOGGER_LEFT_ALONE, caplog.at_level(logging.WARNING, logger=log.name):
        log.warning("If direct_num_workers is not equal to 1, direct_running_mode should be another; %d", 2)
        log.warning("something else")
    assert caplog.messages == ["something else"]
    assert not log.filters
    assert not [one for one in logging.getLogger().filters if "_is_useful" in repr(one)]
