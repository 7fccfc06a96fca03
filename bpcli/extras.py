"""The libraries of bp's extras: loaded where they are used, with what to install where they are not there."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from bpcli.errors import ConfigError


def library(module: str, extra: str, need: str) -> ModuleType:
    """A module of an extra; ``need`` says what needs it.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigError(need, where="command line", hint=f"pip install 'bpcli[{extra}]'") from error
