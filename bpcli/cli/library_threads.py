"""The threads of BLAS: one, whatever the user's environment says, and a word about what it says.

The number of BLAS's threads changes the last bits of results, and a rerun must give the same bytes. bp's
own threads change none.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""What BLAS reads when NumPy is loaded."""

set_aside: dict[str, str] = {}
"""What the user's variables said that was set aside and has not been told yet."""


def hold_to_one(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Give BLAS one thread; return the variables that asked for another number, as they were."""
    found = {name: environment[name] for name in VARIABLES if environment.get(name, "") not in ("", "1")}
    environment.update(dict.fromkeys(VARIABLES, "1"))
    return found


def hold_this_process() -> None:
    """Give BLAS in this process one thread, before NumPy is loaded."""
    set_aside.update(hold_to_one(os.environ))


def tell() -> list[str]:
    """The warnings of what was set aside, each once in a process."""
    lines = warnings_of(set_aside)
    set_aside.clear()
    return lines


def warnings_of(aside: Mapping[str, str]) -> list[str]:
    """A line for each variable that was set aside, with the reason and the remedy."""
    return [
        f"{name}={value} is set aside: the number of BLAS's threads changes the last bits of results; "
        f"threads: {value if value.isdecimal() and int(value) else 'auto'} uses the cores and changes none"
        for name, value in aside.items()
    ]
