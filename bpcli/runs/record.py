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
from bpcli.storage.sealed import read_json
from bpcli.storage.strict_json import MalformedError, Saved

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
    for key in ("ended", "final", "kept", "epochs", "expect"):
        if key not in record:
            saved.refuse(f"has no {key!r}")
    record["epochs"].count()
    _each(Saved.text, [record["ended"]])
    _each(Saved.number, record["final"].mapping().values())
    _require_kept(record["kept"])
    for each in record["expect"].items():
        _require_expectation(each)
    for key, check in OPTIONAL.items():
        if key in record:
            check(record[key])


def _require_kept(saved: Saved) -> None:
    kept = saved.keys(("epoch",), ("monitor", "value", "examples"))
    kept["epoch"].count()
    _each(Saved.text, [kept["monitor"]] if "monitor" in kept else [])
    _each(Saved.number, [kept["value"]] if "value" in kept else [])
    if "examples" in kept:
        kept["examples"].count()


def _require_expectation(saved: Saved) -> None:
    one = saved.keys(("expected", "value", "met"))
    one["expected"].text()
    _each(Saved.number, [one["value"]])
    one["met"].truth()


def _require_outcome(saved: Saved) -> None:
    if saved.value is not None:
        saved.one_of(get_args(Outcome))


def _require_drift(saved: Saved) -> None:
    for each in saved.items():
        note = each.keys(("epoch", "step", "changed"))
        note["epoch"].count()
        note["step"].count()
        note["changed"].texts()


def _require_lines(saved: Saved) -> None:
    """A list of texts, which name files: the bytes of a name need not be UTF-8."""
    for each in saved.items():
        if not isinstance(each.value, str):
            each.refuse("is no text")


def _require_mark(saved: Saved) -> None:
    marked = saved.keys(("bytes", "sha256"))
    marked["bytes"].count()
    marked["sha256"].sha256()


def _all(check: Callable[[Saved], Any]) -> Callable[[Saved], None]:
    """A check of every value of an object that is not null."""
    return lambda saved: _each(check, saved.mapping().values())


OPTIONAL: dict[str, Callable[[Saved], Any]] = {
    "outcome": _require_outcome,
    "drift": _require_drift,
    "config": Saved.sha256,
    "config_before": Saved.sha256,
    **dict.fromkeys(MARKED_TABLES, _require_mark),
    "data": _all(Saved.text),
    "plugins": _all(Saved.text),
    "examples": _all(Saved.count),
    "rule": _all(Saved.number),
    "compiler": _all(Saved.text),
    "layers": Saved.counts,
    "parameters": Saved.count,
    "shards": Saved.count,
    "notes": _require_lines,
}
"""What is checked where a record has it."""


def _each(check: Callable[[Saved], Any], values: Iterable[Saved]) -> None:
    """Check every value that is not null, which stands for a number that is not finite and for what there is not."""
    for value in values:
        if value.value is not None:
            check(value)
