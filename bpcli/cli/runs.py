"""``bp runs``: the runs below a folder, best first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpcli.cli.arguments import Json, Plugins
from bpcli.cli.output import emit, emit_json

if TYPE_CHECKING:
    from bpcli.runs.comparison import RecordedRun


def runs(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to search.", show_default=True)] = Path(
        "runs"
    ),
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="METRIC", help="The metric to rank by; default one of validation, else test, else training."
        ),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Json = False,
    plugin: Plugins = None,
) -> None:
    """List runs, best first, with what differs between them.

    The settings that differ, the epoch that each run keeps, and its metrics.

    Example: bp runs runs/sweep --by test_accuracy
    """
    from bpcli.errors import ConfigError
    from bpcli.runs import comparison

    if as_csv and json:
        raise ConfigError("--csv and --json exclude each other", where="command line", hint="give one")
    found, skipped = comparison.find_runs(folder)
    if skipped:
        from bpcli import display

        display.warn(skipped)
    metric = comparison.ranking_metric(found, by) if found else (by or "loss")
    settings = comparison.differing_settings(found)
    rows = [_row(run, metric, settings) for run in comparison.rank_runs(found, metric)]
    if json:
        emit_json({"folder": str(folder), "by": metric, "runs": rows})
    else:
        _print(rows, metric, folder, as_csv=as_csv)


def _row(run: RecordedRun, metric: str, settings: list[str]) -> dict[str, Any]:
    """The report of one run, with the ``settings`` in which the runs differ; its best epoch is the one it keeps."""
    return {
        "run": str(run.folder),
        "settings": {key: run.settings.get(key) for key in settings},
        "ended": run.record["ended"],
        "epochs": len(run.epochs),
        "best_epoch": run.kept_epoch or None,
        "best": run.final.get(metric),
        "final": run.final,
    }


def _print(rows: list[dict[str, Any]], metric: str, folder: Path, *, as_csv: bool) -> None:
    """Print the rows as a table or as CSV, the metric of the ranking before the others."""
    settings = list(rows[0]["settings"]) if rows else []
    known = dict.fromkeys(name for row in rows for name in row["final"])
    metrics = sorted(known, key=lambda name: name != metric)
    if as_csv:
        from bpcli.storage.text import to_csv

        columns = ["run", *settings, "ended", "epochs_done", "best_epoch", *metrics]
        emit(to_csv([columns, *(_csv_row(row, settings, metrics) for row in rows)]))
        return
    from bpcli import display

    if not rows:
        display.say(f"no runs below {folder}")
        return
    _show(rows, settings, metrics)
    display.say(f"best first by {metric}")


def _csv_row(row: dict[str, Any], settings: list[str], metrics: list[str]) -> list[Any]:
    from bpcli.runs.setting_words import setting_text

    return [
        row["run"],
        *(setting_text(row["settings"][key]) for key in settings),
        row["ended"] or "unfinished",
        row["epochs"],
        "" if row["best_epoch"] is None else row["best_epoch"],
        *(row["final"].get(name) for name in metrics),
    ]


def _show(rows: list[dict[str, Any]], settings: list[str], metrics: list[str]) -> None:
    """Print a table; on a narrow terminal, without metrics that the runs are not ranked by."""
    import sys

    from bpcli import display
    from bpcli.runs.setting_words import short_keys, short_values

    ended = [(row["ended"] or "unfinished").replace("training diverged", "diverged").partition(":")[0] for row in rows]
    columns: dict[str, list[Any]] = {"run": [row["run"] for row in rows]}
    for key, short in zip(settings, short_keys(settings, metrics), strict=True):
        columns[short] = short_values([row["settings"][key] for row in rows])
    if set(ended) != {"completed"}:
        columns["ended"] = ended
    texts = range(len(columns))
    columns["best_epoch"] = ["" if row["best_epoch"] is None else row["best_epoch"] for row in rows]
    for name in metrics:
        columns[name] = [row["final"].get(name) for row in rows]
    ranked = [0, *([len(texts) + 1] if metrics else []), *texts[1:]]
    order = [*ranked, *(k for k in range(len(columns)) if k not in ranked)]
    ranking = display.Ranking(order, len(ranked), "bp runs --csv has them all")
    table = [list(cells) for cells in zip(*columns.values(), strict=True)]
    display.print_table(list(columns), table, sys.stdout, text=texts, names=(0,), ranking=ranking)
