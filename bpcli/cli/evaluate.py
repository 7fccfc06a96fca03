"""``bp evaluate``: the loss, the metrics and a per-class table of a run's model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bpcli.cli.arguments import Json, RunFolder

if TYPE_CHECKING:
    from bpcli.data.loading import Part
    from bpcli.runs.model_file import Model

Split = Literal["train", "validation", "test"]


def evaluate(
    run: RunFolder,
    data: Annotated[Path | None, typer.Option("--data", metavar="FILE", help="Other examples, with targets.")] = None,
    targets: Annotated[
        Path | None,
        typer.Option("--targets", metavar="FILE", help="Their targets, where a file of their own holds them."),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option("--split", help="A part of the run's data; default test, else validation, else train."),
    ] = None,
    json: Json = False,
) -> None:
    """Evaluate a run's model: loss, metrics and a table of its classes.

    Example: bp evaluate runs/iris-001 --split validation
    """
    from bpcli.errors import ConfigError
    from bpcli.runs import model_file as model

    if targets is not None and data is None:
        raise ConfigError("--targets goes with --data", where="command line", hint="name the features' file too")
    if split is not None and data is not None:
        raise ConfigError(
            "--split names a part of the run's data, --data another file", where="command line", hint="give one"
        )
    known = model.load(run)
    part, name = (_file(known, data, targets), None) if data is not None else _part(run, known, split)
    report = {"run": str(run), "split": name, "examples": part.size, **_assessed(known, part)}
    if data is not None:
        report["data"] = str(data)
    if json:
        from bpcli.cli.output import emit
        from bpcli.storage import to_json

        emit(to_json(report) + "\n")
    else:
        _show(report, name or str(data))


def _file(known: Model, data: Path, targets: Path | None) -> Part:
    from bpcli.data.files.reading import FilePair
    from bpcli.data.loading import load_with_encoding
    from bpcli.display import warn

    pair = FilePair(str(data), None if targets is None else str(targets))
    part, warnings = load_with_encoding(pair, known.form, known.features, known.targets, known.dtype)
    warn(warnings.lines())
    return part


def _part(run: Path, known: Model, split: Split | None) -> tuple[Part, str]:
    """A part of the data that the run was made of, dealt as it was then."""
    from bpcli.data.splitting import PARTS
    from bpcli.display import warn
    from bpcli.errors import ConfigError
    from bpcli.reporting.evaluation import parts

    found, notes = parts(run, known)
    warn(notes)
    name: str = split or next(part for part in reversed(PARTS) if part in found)
    if name not in found:
        raise ConfigError(
            f"the run has no {name} part", where="command line", hint=f"it has {', '.join(found)}; or name --data FILE"
        )
    return found[name], name


def _assessed(known: Model, part: Part) -> dict[str, Any]:
    from bpcli.reporting.evaluation import assess

    return assess(known, part)


def _show(report: dict[str, Any], of: str) -> None:
    import sys

    from bpcli import display

    rows = [["loss", report["loss"]], *report["metrics"].items()]
    display.table(["metric", "value"], rows, sys.stdout, title=f"{report['run']}: {of}, {report['examples']} examples")
    if report["classes"]:
        columns = list(report["classes"][0])
        print()
        display.table(columns, [list(row.values()) for row in report["classes"]], sys.stdout)
