"""A job's own secrets are in variables during its runs, and no run sees another's."""

import os

import pytest

from beam_distill.config.errors import SettingsError
from beam_distill.job.secret_variables import keep_in_variables, variables_put_back

NAME = "DISTILL_EXTRA_BODY_TEST"


def test_a_variable_is_gone_after_the_run() -> None:
    with variables_put_back():
        keep_in_variables({NAME: "one"})
        assert os.environ[NAME] == "one"
    assert NAME not in os.environ


def test_the_variables_are_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "the program's")
    with variables_put_back():
        keep_in_variables({NAME: "one"})
        keep_in_variables({NAME: "two"})
    assert os.environ[NAME] == "the program's"


def test_the_last_of_several_runs_removes_it() -> None:
    with variables_put_back():
        keep_in_variables({NAME: "one"})
        with variables_put_back():
            keep_in_variables({NAME: "one"})
        assert os.environ[NAME] == "one"
    assert NAME not in os.environ


def test_another_secret_under_the_name_of_a_run_that_goes_on_is_refused() -> None:
    with variables_put_back():
        keep_in_variables({NAME: "one"})
        with variables_put_back(), pytest.raises(SettingsError, match=f"{NAME}: another run .* wait for its end"):
            keep_in_variables({NAME: "two"})
        assert os.environ[NAME] == "one"
