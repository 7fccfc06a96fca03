"""``bp runs``: the runs below a folder, best first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bpcli.cli.arguments import Json


def runs(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where to look.", show_default=True)] = Path(
        "runs"
    ),
    by: Annotated[
        str | None, typer.Option("--by", metavar="METRIC", help="What to rank by; default the validation metric.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: Json = False,
) -> None:
    """List runs, best first: what differs between their configs, the best epoch, the final metrics.

    Example: bp runs runs/sweep --by test_accuracy
    """
    from bpcli import runs as room
    from bpcli.errors import ConfigError

    if as_csv and json:
        raise ConfigError("--csv and --json are two forms of the same", where="command line", hint="give one")
    found = room.find(folder)
    metric = room.monitored(found, by) if found else (by or "loss")
    rows = [_row(run, metric, room.differing(found)) for run in room.ranked(found, metric)]
    if json:
        from bpcli.cli.output import emit
        from bpcli.storage import to_json

        emit(to_json({"folder": str(folder), "by": metric, "runs": rows}) + "\n")
    else:
        _print(rows, as_csv=as_csv)


def _row(run: Any, metric: str, differing: list[str]) -> dict[str, Any]:
    from bpcli import runs as room

    best = room.best_epoch(run, metric)
    return {
        "run": str(run.folder),
        "settings": {key: run.settings.get(key) for key in differing},
        "ended": run.record["ended"],
        "epochs": len(run.epochs),
        "best_epoch": best[0] if best else None,
        "best": best[1] if best else None,
        "final": run.final,
    }


def _print(rows: list[dict[str, Any]], *, as_csv: bool) -> None:
    settings = list(rows[0]["settings"]) if rows else []
    metrics = list(dict.fromkeys(name for row in rows for name in row["final"]))
    columns = ["run", *settings, "ended", "epochs", "best_epoch", *metrics]
    table = [
        [
            row["run"],
            *(_setting(row["settings"][key]) for key in settings),
            row["ended"] or "unfinished",
            row["epochs"],
            "" if row["best_epoch"] is None else row["best_epoch"],
            *(row["final"].get(name) for name in metrics),
        ]
        for row in rows
    ]
    if as_csv:
        from bpcli.cli.output import emit
        from bpcli.storage import to_csv

        emit(to_csv([columns, *table]))
    else:
        import sys

        from bpcli import display

        columns[1 : 1 + len(settings)] = _short(settings)
        display.table(columns, table, sys.stdout, text=(0, *range(1, len(settings) + 2)))


def _short(settings: list[str]) -> list[str]:
    """The last part of each dotted key, where it tells the keys apart."""
    tails = [key.rpartition(".")[2] for key in settings]
    return [tail if tails.count(tail) == 1 else key for key, tail in zip(settings, tails, strict=True)]


def _setting(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    from bpcli.storage import to_json

    return to_json(value)
