"""run.json: what a run was made with, and how it ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, TypeGuard

from bpcli.errors import DataError, refused
from bpcli.experiment import Experiment
from bpcli.runs.environment import environment_of

RECORD_FILE = "run.json"

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
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError("this is no run folder: it has no run.json", where=str(folder), hint="see bp runs") from error
    except ValueError as error:
        raise DataError(f"malformed: {error}", where=str(path), hint="copy the run again") from error
    except OSError as error:
        raise refused("read", path, error) from error
    if not _is_record(record):
        raise DataError("malformed: not a record of a run", where=str(path), hint="copy the run again")
    return record


def _is_record(record: Any) -> TypeGuard[dict[str, Any]]:
    """Whether JSON holds what readers of a run's record rely on; an earlier version's lacks what is kept."""
    if not isinstance(record, dict) or not isinstance(record.get("final"), dict):
        return False
    kept, ended = record.get("kept"), record.get("ended", 0)
    return (
        (ended is None or isinstance(ended, str))
        and all(is_number(value, whole=False) for value in record["final"].values())
        and isinstance(record.get("data", {}), dict)
        and ("kept" not in record or _is_kept(kept))
    )


def _is_kept(kept: Any) -> bool:
    return (
        isinstance(kept, dict)
        and is_number(kept.get("epoch"), whole=True)
        and is_number(kept.get("value"), whole=False)
        and is_number(kept.get("examples", 0), whole=True)
    )


def is_number(saved: Any, *, whole: bool) -> bool:
    """Whether JSON holds a number, or a count; it has null where a number is not finite."""
    if whole:
        return isinstance(saved, int) and not isinstance(saved, bool) and saved >= 0
    return saved is None or (isinstance(saved, int | float) and not isinstance(saved, bool))
