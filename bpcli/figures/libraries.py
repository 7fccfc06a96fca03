"""The libraries that draw, loaded when a picture is drawn, and what to install where they are not."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from bpcli.errors import ConfigError


def drawing_library() -> ModuleType:
    """Matplotlib, with the modules that are used.

    Raises:
        ConfigError: it is not installed.
    """
    import_module_or_refuse("matplotlib.figure", "drawing a picture in a file needs Matplotlib")
    return import_module("matplotlib")


def terminal_library() -> ModuleType:
    """Plotext.

    Raises:
        ConfigError: it is not installed.
    """
    return import_module_or_refuse("plotext", "drawing in the terminal needs plotext")


def import_module_or_refuse(name: str, why: str) -> ModuleType:
    """A module of the extra ``plot``.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(why, where="command line", hint="pip install 'bpcli[plot]'") from error
