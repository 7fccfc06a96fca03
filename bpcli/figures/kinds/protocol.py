"""What a kind of picture is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol

from bpcli.figures.figure import Figure
from bpcli.figures.plotted_run import PlottedRun


class Picture(Protocol):
    """A kind of picture; its docstring says what is seen.

    ``several`` says whether it shows more than one run at once, ``of_part`` whether it looks at the examples of a part.
    """

    several: ClassVar[bool]
    of_part: ClassVar[bool]

    def objection(self, run: PlottedRun) -> str:
        """Why there is no such picture of a run; an empty text where there is.

        Raises:
            BpError: the run, or its data, cannot be read.
        """
        ...

    def figure(self, runs: Sequence[PlottedRun]) -> Figure:
        """The picture of runs, of which none has an objection.

        Raises:
            BpError: the run, or its data, cannot be read.
        """
        ...
