"""``--export`` and ``--against``: gradients that another program computes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from bpcli.checking import exchange
from bpcli.checking import known_mistakes as slips
from bpcli.cli.output import emit
from bpcli.errors import ConfigError, ExitStatus
from bpcli.experiment import Experiment
from bpcli.nn import IndexArray
from bpcli.storage import to_json

SAME = "hint: config, overrides and --examples have to be those of the --export it was computed for\n"


def exchanged(
    built: Experiment, batch: IndexArray, export: Path | None, against: Path | None, *, json: bool
) -> ExitStatus:
    """Write what others need, or judge what they found."""
    if export is not None and against is not None:
        raise ConfigError("--export and --against at once", where="command line", hint="first the one, then the other")
    examples = built.examples("train")
    assert examples is not None
    ws = built.network.workspace(len(batch), np.float64)
    examples.gather(batch, ws.X, ws.Y)
    if export is not None:
        exchange.export(export, built.parameters, ws)
        emit(to_json({"exported": str(export), "examples": len(batch)}) + "\n" if json else f"{export}\n")
        return ExitStatus.DONE
    assert against is not None
    given = exchange.gradients(against, built.network.sizes, len(batch))
    verdict = slips.judge(built.network, built.parameters, ws, given)
    tolerance = max(map(slips.tolerance, given.values()))
    if json:
        found = {"against": str(against), "passed": verdict.layer == 0, "tolerance": tolerance, **asdict(verdict)}
        emit(to_json(found) + "\n")
    elif verdict.layer == 0:
        emit(f"{against}: every gradient agrees, to {tolerance:.0e} of an array's largest\n")
    else:
        emit(f"{against}: layer {verdict.layer} is the first wrong one from the output ({', '.join(verdict.wrong)})\n")
        emit(f"{verdict.slip}\n{'' if verdict.recognised else SAME}")
    return ExitStatus.CHECK_FAILED if verdict.layer else ExitStatus.DONE
