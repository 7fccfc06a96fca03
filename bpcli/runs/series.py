"""Several runs of one config: with other seeds, or each fold tested in turn; and what they say together.

Each run is a run folder of its own below the series' folder, and repeats by itself. The series
adds ``series.json`` and ``summary.csv``, a line for each metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from statistics import fmean, median
from typing import Any

from bpcli.errors import DataError, refused
from bpcli.runs.intervals import Interval, interval
from bpcli.storage.files import write
from bpcli.storage.sealed import read_json, write_json
from bpcli.storage.strict_json import MalformedError, Saved
from bpcli.storage.text import to_csv
from bpcli.training.initial_parameters import MODEL

MOST_RUNS = 10_000
"""The most runs of a series: they are listed before the first begins, and what each came to is kept until the end."""

SERIES_FILE, SUMMARY_FILE = "series.json", "summary.csv"
PREDICTIONS_FILE = "predictions.csv"
SERIES_FILES = (SERIES_FILE, SUMMARY_FILE, PREDICTIONS_FILE)
"""The files of a series beside its runs' folders."""

REFIT = "refit"
"""The folder of the run on all rows."""


def require_no_series(path: Path) -> None:
    """Require that a path is not the folder of a series.

    Raises:
        DataError: it is one.
    """
    if (path / SERIES_FILE).exists():
        runs = sorted(each.parent.name for each in path.glob(f"*/{MODEL}"))
        hint = f"name one of its runs: {', '.join(runs)}; their means are in {SUMMARY_FILE}"
        raise DataError("this is a series of runs, each with a model", where=str(path), hint=hint)


@dataclass(frozen=True)
class SeriesRequest:
    """How many seeds, from the config's own upwards, and how many folds; None for no such repetition.

    ``refit`` asks for a run on all rows afterwards.
    """

    seeds: int | None = None
    folds: int | None = None
    refit: bool = False

    @property
    def runs(self) -> int:
        """How many runs that makes, without the one on all rows."""
        return (self.seeds or 1) * (self.folds or 1)


@dataclass(frozen=True)
class Member:
    """A run of the series: its folder's name, its ``seed``, its ``fold``, and the overrides that make it."""

    name: str
    seed: int
    fold: int | None
    changes: tuple[str, ...]


def members(request: SeriesRequest, first_seed: int) -> list[Member]:
    """The runs in their order: all folds of a seed, then the next seed."""
    found = []
    for seed in range(first_seed, first_seed + (request.seeds or 1)):
        for fold in range(request.folds) if request.folds is not None else [None]:
            words = [] if request.seeds is None else [f"seed-{seed}"]
            words += [] if fold is None else [f"fold-{fold}"]
            changes = (f"seed={seed}", *fold_changes(request, fold))
            found.append(Member("-".join(words), seed, fold, changes))
    return found


def fold_changes(request: SeriesRequest, fold: int | None) -> tuple[str, ...]:
    """The overrides that test a run on a fold; none without folds."""
    if fold is None:
        return ()
    return "data.split.test=null", f"data.split.folds={request.folds}", f"data.split.fold={fold}"


SET_BY_REFIT = (
    *("data.split", "data.validation", "data.test", "data.group", "data.order"),
    *("epochs", "keep", "early_stopping", "expect"),
)
"""The keys that a run on all rows sets by itself."""


def refit_changes(changes: Sequence[str], kept_epochs: Sequence[int]) -> list[str]:
    """The overrides of a run on all rows of the training file, for as many epochs as the runs kept, in the median.

    ``changes`` are those of the series; what they say of a key that the refit sets is left out.
    """
    own = dict.fromkeys(SET_BY_REFIT, "null") | {"epochs": str(max(1, round(median(kept_epochs)))), "keep": "last"}
    others = [change for change in changes if not _is_within(change.partition("=")[0], SET_BY_REFIT)]
    return [*others, *(f"{key}={value}" for key, value in own.items())]


def _is_within(key: str, sections: Sequence[str]) -> bool:
    """Whether a dotted key is one of ``sections`` or lies in one."""
    return any(key == section or key.startswith(f"{section}.") for section in sections)


@dataclass(frozen=True)
class Outcome:
    """What a run of the series came to: its record, which is run.json, and whether its split is its own."""

    member: Member
    record: Mapping[str, Any]
    own_split: bool


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Interval]:
    """The mean of every metric over the runs that have ended well, with its interval."""
    finals: list[dict[str, float]] = [outcome.record["final"] for outcome in outcomes]
    names = dict.fromkeys(name for final in finals for name in final)
    return {
        name: interval([final[name] for final in finals if name in final], _overlap(name, outcomes)) for name in names
    }


def _overlap(metric: str, outcomes: Sequence[Outcome]) -> float:
    """n_held_out / n_train of the part that a metric is of, where the runs' splits differ; else 0."""
    part = next((part for prefix, part in HELD_OUT.items() if metric.startswith(prefix)), None)
    if part is None or not all(outcome.own_split for outcome in outcomes):
        return 0.0
    shares = [outcome.record["examples"].get(part, 0) / outcome.record["examples"]["train"] for outcome in outcomes]
    return fmean(shares)


HELD_OUT = {"test_": "test", "val_": "validation"}
"""The parts of metrics by their prefix."""


def read_request(folder: Path) -> SeriesRequest:
    """What a series was asked for, from its series.json.

    Raises:
        DataError: the file is damaged or malformed.
        SystemRefusedError: the system refused.
    """
    return read_series(folder)[0]


def read_series(folder: Path) -> tuple[SeriesRequest, dict[str, Interval]]:
    """What a series was asked for, and what its runs came to together; nothing before the last of them has ended.

    Raises:
        DataError: series.json is damaged or malformed.
        SystemRefusedError: the system refused.
    """
    path = folder / SERIES_FILE
    try:
        return _series(Saved(read_json(path)))
    except MalformedError as error:
        raise DataError(f"malformed: {error}", where=str(path), hint="copy the series again") from error
    except OSError as error:
        raise refused("read", path, error) from error


def _series(saved: Saved) -> tuple[SeriesRequest, dict[str, Interval]]:
    """The request and the metrics that were written."""
    keys = saved.keys(("seeds", "folds", "refit", "runs", "metrics"))
    counts = keys["seeds"], keys["folds"]
    seeds, folds = (None if each.value is None else each.count(2, MOST_RUNS) for each in counts)
    if seeds is None and folds is None:
        saved.refuse("has neither seeds nor folds")
    request = SeriesRequest(seeds, folds, keys["refit"].truth())
    if request.runs > MOST_RUNS:
        saved.refuse(f"asks for more than {MOST_RUNS:,} runs")
    return request, {name: _interval(each) for name, each in keys["metrics"].mapping().items()}


def _interval(saved: Saved) -> Interval:
    """The interval that was written; null stands for NaN."""
    keys = saved.keys(("mean", "low", "high", "runs"))
    mean, low, high = (nan if keys[name].value is None else keys[name].number() for name in ("mean", "low", "high"))
    return Interval(mean, low, high, keys["runs"].count())


def write_series(
    folder: Path, request: SeriesRequest, outcomes: Sequence[Outcome], metrics: Mapping[str, Interval]
) -> None:
    """Write series.json and summary.csv."""
    runs = [
        {"run": outcome.member.name, "seed": outcome.member.seed, "fold": outcome.member.fold}
        | {key: outcome.record[key] for key in ("ended", "kept", "final")}
        for outcome in outcomes
    ]
    whole = {**vars(request), "runs": runs, "metrics": {name: vars(value) for name, value in metrics.items()}}
    write_json(folder / SERIES_FILE, whole)
    rows = [[name, *vars(value).values()] for name, value in metrics.items()]
    write(folder / SUMMARY_FILE, to_csv([["metric", "mean", "low", "high", "runs"], *rows]).encode())
