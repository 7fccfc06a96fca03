"""run.json: what a run was made with, and how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal, get_args

from bpcli.errors import DataError, refused
from bpcli.experiment import Experiment
from bpcli.runs.environment import environment_of
from bpcli.runs.epoch_rows import DIGESTS_FILE, METRICS_FILE
from bpcli.runs.series import require_no_series
from bpcli.storage.saved import MalformedError, Saved
from bpcli.storage.sealed import read_json

RECORD_FILE = "run.json"

MARKED_TABLES = {"metrics": METRICS_FILE, "digests": DIGESTS_FILE}
"""The tables of which it notes, once the run has ended, how long they are and their SHA-256, by their keys."""

Outcome = Literal["completed", "stopped", "diverged", "failed"]
"""How a run ended: a run that ended early, by its own rules, is completed too.

One that failed found its data changed under it.
"""


def initial_record(experiment: Experiment) -> dict[str, Any]:
    """What is known of a run before it trains."""
    return {
        **environment_of(experiment),
        "threads": experiment.engine.threads,
        "seed": experiment.plan.seed,
        "layers": list(experiment.network.sizes),
        "parameters": experiment.parameters.theta.size,
        "examples": {name: part.size for name, part in experiment.loaded.parts.items()},
        "notes": experiment.loaded.warnings.lines(),
        "outcome": None,
        "ended": None,
        "epochs": 0,
        "steps": 0,
        "kept": {"epoch": 0, "monitor": experiment.control.keep.monitor or None, "value": None},
        "final": {},
        "expect": [],
    }


def read_record(folder: Path) -> dict[str, Any]:
    """Read a run folder's run.json.

    Raises:
        DataError: the file is absent or malformed.
    """
    path = folder / RECORD_FILE
    require_no_series(folder)
    try:
        record = read_json(path)
        _require_record(Saved(record))
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "this is no run folder: it has no run.json" if os.path.lexists(folder) else "no such folder"
        within = (folder.parent / RECORD_FILE).is_file()
        hint = f"name the run's folder, {folder.parent}" if within else "see bp runs"
        raise DataError(what, where=str(folder), hint=hint) from error
    except MalformedError as error:
        raise DataError(f"malformed: {error}", where=str(path), hint="copy the run again") from error
    except OSError as error:
        raise refused("read", path, error) from error
    return record


def _require_record(saved: Saved) -> None:
    """What readers of a run's record rely on; what they only show may be anything.

    Raises:
        MalformedError: it is something else.
    """
    record = saved.mapping()
    for key in ("ended", "final", "kept"):
        if key not in record:
            saved.refuse(f"has no {key!r}")
    if record["ended"].value is not None:
        record["ended"].text()
    _each(Saved.count, [record["epochs"]] if "epochs" in record else [])
    kept = record["kept"].mapping()
    if "epoch" not in kept:
        record["kept"].refuse("has no 'epoch'")
    _each(Saved.count, [kept[key] for key in ("epoch", "examples") if key in kept])
    _each(Saved.text, [kept["monitor"]] if "monitor" in kept else [])
    _each(Saved.number, [kept["value"]] if "value" in kept else [])
    _each(Saved.number, record["final"].mapping().values())
    if "outcome" in record and record["outcome"].value is not None:
        record["outcome"].one_of(get_args(Outcome))
    for each in record["drift"].items() if "drift" in record else ():
        note = each.keys(("epoch", "step", "changed"))
        _each(Saved.count, [note["epoch"], note["step"]])
        note["changed"].texts()
    _each(Saved.sha256, [record[key] for key in ("config", "config_before") if key in record])
    for key in MARKED_TABLES:
        if key in record:
            marked = record[key].keys(("bytes", "sha256"))
            marked["bytes"].count()
            marked["sha256"].sha256()
    for key, check in (
        ("data", Saved.text),
        ("plugins", Saved.text),
        ("examples", Saved.count),
        ("rule", Saved.number),
    ):
        _each(check, record[key].mapping().values() if key in record else [])


def _each(check: Callable[[Saved], Any], values: Iterable[Saved]) -> None:
    """Check every value that is not null, which stands for a number that is not finite and for what there is not."""
    for value in values:
        if value.value is not None:
            check(value)
