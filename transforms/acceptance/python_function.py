"""A function of the user's own decides."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from transforms.acceptance.base import AnsweredTurn, CheckRefused, Sample, WrongSetting
from transforms.elements import reasons

_LONGEST_FINDING = 500


@dataclass(frozen=True, slots=True)
class PythonCheck:
    """``function`` is ``module:function``. It gets a row and each of its answers, and returns True or False, or a text that says why not.

    The row is a dict: ``messages`` (role and content, as in the input), ``question`` and ``label`` (None without one) of the answer's
    turn, ``turn`` (from 0), ``columns`` (the row's other columns by name, as JSON values), ``split``, ``file``, ``line``. The function must
    give the same result for the same row and answer.
    """

    function: str

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> PythonCheck:
        """Raises WrongSetting if there is no such function."""
        name = settings.get("check_function")
        if name is None:
            raise WrongSetting("needs check_function, as module:function")
        try:
            _function(name)
        except _NotFound as missing:
            raise WrongSetting(f"cannot use check_function {name!r}: {missing}") from None
        return cls(name)

    def examine(self, sample: Sample) -> None:
        """Raises CheckRefused."""
        for turn in sample.turns():
            try:
                said = _function(self.function)(_row(sample, turn), turn.answer)
            except (Exception, SystemExit) as error:
                raise CheckRefused(reasons.FUNCTION_FAILED, _described(self.function, error), turn.number) from error
            if said is True:
                continue
            if said is False:
                raise CheckRefused(reasons.FUNCTION_REFUSED, f"{self.function} returned False", turn.number)
            if isinstance(said, str) and said.strip():
                raise CheckRefused(reasons.FUNCTION_REFUSED, said.strip()[:_LONGEST_FINDING], turn.number)
            detail = f"{self.function} returned {said!r:.80}; expected True, False or a text that says why not"
            raise CheckRefused(reasons.FUNCTION_FAILED, detail, turn.number)


class _NotFound(Exception):
    pass


@lru_cache(maxsize=8)
def _function(name: str) -> Callable[[dict[str, Any], str], object]:
    """Raises _NotFound."""
    module, _, attribute = name.partition(":")
    if not module or not attribute.isidentifier():
        raise _NotFound("expected module:function, such as my_checks:is_polite")
    try:
        found = getattr(_module(module), attribute, None)
    except ModuleNotFoundError as error:
        if error.name is None or (error.name != module and not module.startswith(f"{error.name}.")):
            raise _NotFound(f"{module} imports {error.name}, which is not installed") from None
        where = f"neither installed nor a file in {os.getcwd()}"
        raise _NotFound(f"the module {module} is {where}; on a cluster it must be installed on every worker") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the module is not ours
        raise _NotFound(f"the module cannot be imported: {_described(module, error)}") from None
    if not callable(found):
        raise _NotFound(f"{module} has no function {attribute}")
    function: Callable[[dict[str, Any], str], object] = found
    return function


def _module(name: str) -> Any:
    """A module that is installed, or lies in the working directory: a command's own folder is searched instead of it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0] or os.getcwd() in sys.path:
            raise
    sys.path.append(os.getcwd())
    importlib.invalidate_caches()
    return importlib.import_module(name)


def _row(sample: Sample, turn: AnsweredTurn) -> dict[str, Any]:
    row = sample.request.row
    return {
        "messages": [message._asdict() for message in row.messages],
        "question": turn.question,
        "label": turn.reference,
        "turn": turn.number,
        "columns": json.loads(row.columns or b"{}"),
        "split": row.origin.split.value,
        "file": row.origin.file,
        "line": row.origin.line,
    }


def _described(function: str, error: BaseException) -> str:
    """The error and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({os.path.basename(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
    said = " ".join(str(error).split())
    return f"{function} raised {type(error).__name__}{': ' if said else ''}{said}{where}"[:_LONGEST_FINDING]
