"""One run trained to its end: its final metrics, and what is printed of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bpcli.cli.output import emit, emit_json
from bpcli.cli.running import follow, require_expectations
from bpcli.lines.widths import is_terminal
from bpcli.ranks.group import SOLO

if TYPE_CHECKING:
    from bpcli.experiment import Experiment
    from bpcli.ranks.group import Group
    from bpcli.runs.execution import Execution
    from bpcli.runs.folder import RunWriter
    from bpcli.tracking.protocol import Tracker


def run_to_the_end(
    execution: Execution,
    experiment: Experiment,
    lines: list[str],
    *,
    quiet: bool,
    json: bool,
    plot: bool = False,
    trackers: Mapping[str, Tracker] | None = None,
    group: Group = SOLO,
) -> None:
    """Say ``lines``, train, with ``plot`` above its curves, and print the run folder, or one JSON object.

    ``trackers`` follow the training; what comes after it is not done in the ``group``.

    Raises:
        DivergedError: it diverged.
        CheckFailedError: a metric is not as expected.
    """
    from bpcli.display import warn
    from bpcli.ending.notice import noticed

    with noticed() as notice:
        ended = follow(execution, experiment, lines, notice, quiet=quiet, plot=plot, trackers=trackers)
        group.leave()
    if ended.divergence is None and not quiet:
        warn(ended.notes)
        _show_final_metrics(experiment, ended.run)
    print_result(ended.run.folder, ended.run.record, json=json)
    if ended.divergence is not None:
        raise ended.divergence
    require_expectations([(ended.run.folder, ended.run.record)])


def _show_final_metrics(experiment: Experiment, run: RunWriter) -> None:
    """A table of the kept parameters' metrics with a row for each part, then the run folder."""
    import sys
    from contextlib import suppress

    from bpcli import display
    from bpcli.runs.kept_parameters import describe_kept

    final = run.record["final"]
    names = ["loss", *experiment.metrics]
    prefixes = {"train": "", "validation": "val_", "test": "test_"}
    rows = [[part, *(final.get(prefixes[part] + name) for name in names)] for part in experiment.loaded.parts]
    with suppress(OSError):
        display.print_table(["", *names], rows, sys.stderr, title=f"kept: {describe_kept(run.record)}")
    if "rule" in run.record:
        display.say(", ".join(f"{name} {value:.6g}" for name, value in run.record["rule"].items()))
    if not is_terminal(sys.stdout):  # on a terminal the result is the next line anyway
        display.say(f"run: {run.folder}")


def print_result(folder: Path, record: Mapping[str, Any], *, json: bool) -> None:
    """Print the run folder, or one JSON object about the run, which has this ``record``."""
    if json:
        about = {key: record[key] for key in ("ended", "epochs", "kept", "expect")}
        emit_json({"run": str(folder), **about, "metrics": record["final"]})
    else:
        emit(f"{folder}\n")
