"""The libraries that draw, loaded when a picture is drawn."""

from __future__ import annotations

import logging
from importlib import import_module
from types import ModuleType

from bpcli.extras import library


def drawing_library() -> ModuleType:
    """Matplotlib, with the modules that are used.

    Raises:
        ConfigError: it is not installed.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # where it keeps its fonts, and which glyphs they lack
    library("matplotlib.figure", "plot", "drawing a picture in a file needs Matplotlib")
    return import_module("matplotlib")


def terminal_library() -> ModuleType:
    """Plotext.

    Raises:
        ConfigError: it is not installed.
    """
    return library("plotext", "plot", "drawing in the terminal needs plotext")
