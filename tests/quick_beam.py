"""Beam with caches for values of functions, stages and flags that it computes thousands of times in every pipeline.

A run of a small job takes half the CPU. No pipeline changes: the values depend on nothing else.
"""

import bz2
import functools
import json
import logging
import types
import weakref
from argparse import Namespace
from typing import Any

from apache_beam.internal import cloudpickle_pickler
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import core, userstate
from apache_beam.typehints.decorators import IOTypeHints

Function = types.FunctionType


def keep_what_beam_asks_again() -> None:
    """From now on, in this process."""
    _keep_signatures()
    _keep_type_hints()
    _keep_states_and_timers()
    _keep_how_functions_return()
    _keep_parsed_flags()
    _keep_all_options()
    _compress_quickly()


def _keep_signatures() -> None:
    inspect = core.get_function_args_defaults
    known: weakref.WeakKeyDictionary[Function, tuple[list[str], list[Any]]] = weakref.WeakKeyDictionary()

    def get_function_args_defaults(function: Any) -> Any:
        if not isinstance(function, types.MethodType) or not isinstance(function.__func__, Function):
            return inspect(function)
        if (kept := known.get(function.__func__)) is None:
            kept = known[function.__func__] = inspect(function)
        names, defaults = kept
        return [*names], [*defaults]

    core.get_function_args_defaults = get_function_args_defaults


def _keep_type_hints() -> None:
    inspect = IOTypeHints.from_callable
    of_methods: weakref.WeakKeyDictionary[Function, Any] = weakref.WeakKeyDictionary()
    of_functions: weakref.WeakKeyDictionary[Function, Any] = weakref.WeakKeyDictionary()

    def from_callable(function: Any) -> Any:
        known, defined = of_functions, function
        if isinstance(function, types.MethodType):
            known, defined = of_methods, function.__func__
        if not isinstance(defined, Function) or getattr(function, "_beam_no_annotations", False):
            return inspect(function)
        if defined not in known:
            known[defined] = inspect(function)
        return known[defined]

    IOTypeHints.from_callable = from_callable


def _keep_states_and_timers() -> None:
    inspect = userstate.get_dofn_specs
    known: weakref.WeakKeyDictionary[type, tuple[set[Any], set[Any]]] = weakref.WeakKeyDictionary()

    def get_dofn_specs(stage: Any) -> Any:
        if any(isinstance(value, types.MethodType) for value in vars(stage).values()):
            return inspect(stage)
        if (kept := known.get(type(stage))) is None:
            kept = known[type(stage)] = inspect(stage)
        states, timers = kept
        return {*states}, {*timers}

    userstate.get_dofn_specs = get_dofn_specs


def _keep_how_functions_return() -> None:
    inspect = core._check_fn_use_yield_and_return
    known: weakref.WeakKeyDictionary[Function, bool] = weakref.WeakKeyDictionary()

    def uses_yield_and_return(function: Any) -> bool:
        defined = function.__func__ if isinstance(function, types.MethodType) else function
        if not isinstance(defined, Function):
            return bool(inspect(function))
        if defined not in known:
            known[defined] = inspect(function)
        return known[defined]

    core._check_fn_use_yield_and_return = uses_yield_and_return


def _keep_parsed_flags() -> None:
    parse = PipelineOptions.__init__
    known: dict[tuple[type, tuple[str, ...]], dict[str, Any]] = {}

    def __init__(self: Any, flags: Any = None, **overrides: Any) -> None:
        if not isinstance(flags, list):  # those of the process, or a mistake
            parse(self, flags, **overrides)
            return
        key = (type(self), tuple(flags))
        if key not in known:
            parse(self, flags)
            known[key] = _of_its_own(vars(self._visible_options))
        logging.basicConfig()  # as Beam does
        self._flags = flags
        self._visible_options = Namespace(**_of_its_own(known[key]))
        self._all_options = {**vars(self._visible_options), **overrides}

    def visible_options(self: Any) -> list[str]:
        return [*vars(self._visible_options)]

    PipelineOptions.__init__ = __init__
    PipelineOptions._visible_option_list = visible_options


def _keep_all_options() -> None:
    read = PipelineOptions.get_all_options
    known: dict[tuple[Any, ...], dict[str, Any]] = {}

    def get_all_options(self: Any, drop_default: bool = False, **others: Any) -> Any:
        asked = {"drop_default": drop_default, **others}
        try:
            key = (type(self), *self._flags, json.dumps([asked, self._all_options]), *PipelineOptions.__subclasses__())
        except TypeError:  # a function that adds options, or one whose value is an object
            return read(self, **asked)
        if key not in known:
            known[key] = read(self, **asked)
        return _of_its_own(known[key])

    PipelineOptions.get_all_options = get_all_options


def _compress_quickly() -> None:
    """A stage is compressed in every pipeline, and decompressed several times; level 9 takes memory for 900 kB where there are two."""

    class QuickBz2:
        decompress = staticmethod(functools.lru_cache(512)(bz2.decompress))

        @staticmethod
        @functools.lru_cache(512)
        def compress(data: bytes, compresslevel: int) -> bytes:
            return bz2.compress(data, compresslevel=1)

    cloudpickle_pickler.bz2 = QuickBz2


def _of_its_own(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.copy() if isinstance(value, (list, dict)) else value for name, value in values.items()}
