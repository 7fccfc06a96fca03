"""Pictures of runs: the kinds by name, from opened runs to plain figures, and figures drawn in a terminal or a file.

In the order of reading: ``figure`` (what a picture is), ``kinds/`` (which there are), ``drawing`` and ``terminal``
(how they are drawn).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bpcli.errors import ConfigError, did_you_mean
from bpcli.figures.figure import Figure
from bpcli.figures.kinds.calibration import Calibration
from bpcli.figures.kinds.confusion import Confusion
from bpcli.figures.kinds.curves import Curves
from bpcli.figures.kinds.differences import Differences
from bpcli.figures.kinds.distributions import Distributions
from bpcli.figures.kinds.importance import ColumnImportance
from bpcli.figures.kinds.protocol import Picture
from bpcli.figures.kinds.regions import DecisionRegions
from bpcli.figures.kinds.residuals import Residuals
from bpcli.figures.kinds.scores import PrecisionRecall, Roc
from bpcli.figures.kinds.weights import Weights
from bpcli.figures.plotted_run import PlottedRun

KINDS: dict[str, type[Picture]] = {
    "curves": Curves,
    "confusion": Confusion,
    "roc": Roc,
    "precision_recall": PrecisionRecall,
    "calibration": Calibration,
    "residuals": Residuals,
    "importance": ColumnImportance,
    "regions": DecisionRegions,
    "weights": Weights,
    "distributions": Distributions,
    "differences": Differences,
}
"""The kinds of pictures by name, the first by default."""


def picture(kind: str, runs: Sequence[PlottedRun]) -> Figure:
    """The picture of a kind, of runs; its notes name those left out, and those not trained.

    Raises:
        ConfigError: there is no such kind, or no such picture of these runs; the hint says which there are.
        BpError: a run, or its data, cannot be read.
    """
    if kind not in KINDS:
        raise ConfigError(f"there is no kind of picture {kind!r}", where="command line", hint=did_you_mean(kind, KINDS))
    made = KINDS[kind]()
    if len(runs) > 1 and not made.several:
        several = ", ".join(name for name, each in KINDS.items() if each.several)
        hint = f"name one run; of several there is --kind {several}"
        raise ConfigError(f"{kind} shows one run, not {len(runs)}", where="command line", hint=hint)
    if not made.of_part and any(run.split is not None for run in runs):
        raise ConfigError(f"--split: {kind} shows no part of the data", where="command line", hint="leave it out")
    objections = {run.folder: objection for run in runs if (objection := made.objection(run))}
    shown = [run for run in runs if run.folder not in objections]
    if not shown:
        run = runs[0]
        hint = f"of it there is --kind {', '.join(applicable(run)) or 'none'}"
        raise ConfigError(f"there is no picture {kind}: {objections[run.folder]}", where=str(run.folder), hint=hint)
    figure = made.figure(shown)
    left_out = (f"{folder} is left out: {objection}." for folder, objection in objections.items())
    untrained = (f"{run.folder.name} keeps its initial parameters." for run in shown if not run.recorded.kept_epoch)
    return replace(figure, notes=(*figure.notes, *untrained, *left_out))


def applicable(run: PlottedRun) -> list[str]:
    """The names of the kinds of pictures that there are of a run.

    Raises:
        BpError: the run cannot be read.
    """
    return [name for name, kind in KINDS.items() if not kind().objection(run)]
