"""The tables: ratios at a glance, then every number."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.commands import Command
from benchmarks.competitors import COMPETITORS, REFERENCE
from benchmarks.rounds import Measurement
from benchmarks.trainings import REAL_WORKLOADS, Training
from benchmarks.workloads import WORKLOADS

TOLERANCE = 1e-3
"""How far a final loss may lie from the reference's, of the latter."""

LEGEND = f"""\
Times divided by those of {REFERENCE} in the same round: the median of the rounds, with the lowest and the highest;
below 1 is faster than bp. † trains another loss. ✗ did not reach the reference's loss to {TOLERANCE:g}.
– cannot do it, or failed: the notes below say why."""

Timed = Measurement | Command | Training


@dataclass
class Results:
    """Everything measured, and the machine."""

    machine: dict[str, str]
    measurements: list[Measurement]
    commands: list[Command]
    trainings: list[Training]


def text(results: Results) -> str:
    """The whole report, in Markdown."""
    parts = ["# Benchmarks", _pairs(results.machine), LEGEND]
    everything: list[Measurement | Command] = [*results.measurements, *results.commands]
    for threads in sorted({one.threads for one in everything}):
        parts.append(f"## {_threads(threads)}")
        here = [one for one in results.measurements if one.threads == threads]
        if here:
            parts += ["### Ratios", ratios(here)]
            parts += [part for name in _names(here) for part in _detail(name, of_workload(here, name))]
        there = [one for one in results.commands if one.threads == threads]
        if there:
            parts += ["### Whole commands", _commands(there)]
    parts += ["## bp train on MNIST", _trainings(results.trainings)]
    return "\n\n".join(parts) + "\n"


def ratios(measurements: Sequence[Measurement]) -> str:
    """A row for each workload, a column for each competitor."""
    present = {one.competitor for one in measurements}
    columns = [name for name in COMPETITORS if name in present and name != REFERENCE]
    rows = []
    for name in _names(measurements):
        group = {one.competitor: one for one in of_workload(measurements, name)}
        reference = group.get(REFERENCE)
        own = "–" if reference is None or not reference.seconds else _time(median(reference.seconds) / reference.steps)
        rows.append([WORKLOADS[name].title, own, *(_ratio_cell(group.get(column), reference) for column in columns)])
    return _table(["workload", f"{REFERENCE}, a step", *columns], rows)


def ratio(one: Timed, reference: Timed | None) -> tuple[float, float, float] | None:
    """The median, lowest and highest of the rounds' ratios; None where there are none."""
    if reference is None or not one.seconds or len(one.seconds) != len(reference.seconds):
        return None
    found = [own / other for own, other in zip(one.seconds, reference.seconds, strict=True)]
    return median(found), min(found), max(found)


def mark(one: Measurement, reference: Measurement | None) -> str:
    """† for another loss, ✗ for a loss that should agree and does not, else nothing."""
    if one.other_loss:
        return "†"
    return "✗" if _deviation(one, reference) > TOLERANCE else ""


def of_workload(measurements: Iterable[Measurement], name: str) -> list[Measurement]:
    """Those of one workload."""
    return [one for one in measurements if one.workload == name]


def _names(measurements: Iterable[Measurement]) -> list[str]:
    return list(dict.fromkeys(one.workload for one in measurements))


def _deviation(one: Measurement, reference: Measurement | None) -> float:
    """Of the last epoch's loss, relative; 0 where there is nothing to compare, infinite for no number."""
    if reference is None or not one.losses or not reference.losses:
        return 0.0
    off = abs(one.losses[-1] - reference.losses[-1]) / abs(reference.losses[-1])
    return off if off == off else float("inf")


def _ratio_cell(one: Measurement | None, reference: Measurement | None) -> str:
    found = None if one is None else ratio(one, reference)
    if one is None or found is None:
        return "–"
    return _spread(found) + mark(one, reference)


def _spread(found: tuple[float, float, float]) -> str:
    return "{:.3g} ({:.3g}–{:.3g})".format(*found)


def _detail(name: str, group: Sequence[Measurement]) -> list[str]:
    """One workload's heading and table."""
    reference = next((one for one in group if one.competitor == REFERENCE), None)
    rows = [_row(one, reference) for one in group]
    head = ["", "a step, median (lowest–highest)", "last epoch's loss", "off by", "start", "compile", "notes"]
    return [f"### {WORKLOADS[name].title}", _table(head, rows)]


def _row(one: Measurement, reference: Measurement | None) -> list[str]:
    if not one.seconds:
        return [one.competitor, "–", "–", "–", "–", "–", one.failure]
    steps = [seconds / one.steps for seconds in one.seconds]
    comparable = one.losses and not one.other_loss
    return [
        one.competitor,
        f"{_time(median(steps))} ({_time(min(steps))}–{_time(max(steps))})",
        f"{one.losses[-1]:.6f}" if one.losses else "none",
        f"{_deviation(one, reference):.1e} {mark(one, reference)}".strip() if comparable else "–",
        f"{one.start_seconds:.1f} s",
        f"{one.compile_seconds:.1f} s",
        "; ".join(part for part in (one.variant, one.other_loss and f"† {one.other_loss}", one.failure) if part),
    ]


def _commands(found: Sequence[Command]) -> str:
    """A row for each whole command."""
    first = {one.workload: one for one in reversed(found)}
    rows = [_command_row(one, first[one.workload]) for one in found]
    return _table(["", "command of", "median (lowest–highest)", "ratio", "first run", "reached"], rows)


def _command_row(one: Command, first: Command) -> list[str]:
    """A command beside the first of its workload, which is bp's."""
    found = ratio(one, first)
    if found is None:
        return [one.workload, one.competitor, "–", "–", "–", one.failure]
    seconds = f"{median(one.seconds):.2f} s ({min(one.seconds):.2f}–{max(one.seconds):.2f})"
    return [one.workload, one.competitor, seconds, _spread(found), f"{one.first_seconds:.2f} s", one.reached]


def _trainings(found: Sequence[Training]) -> str:
    """A row for each way to train, beside the first of its workload; or what would be needed."""
    if not found:
        return "Not measured: --mnist FOLDER says where MNIST's files are."
    first = {one.workload: one for one in reversed(found)}
    rows = [_training_row(one, first[one.workload]) for one in found]
    return _table(["", "from", "a step, median (lowest–highest)", "ratio", "notes"], rows)


def _training_row(one: Training, first: Training) -> list[str]:
    title, found = REAL_WORKLOADS[one.workload].title, ratio(one, first)
    if found is None:
        return [title, one.way, "–", "–", one.failure]
    seconds = f"{_time(median(one.seconds))} ({_time(min(one.seconds))}–{_time(max(one.seconds))})"
    return [title, one.way, seconds, _spread(found), ""]


def _time(seconds: float) -> str:
    """In microseconds, from ten milliseconds on in milliseconds."""
    unit, factor = ("ms", 1e3) if seconds >= 0.01 else ("µs", 1e6)
    number = seconds * factor
    return f"{number:.0f} {unit}" if number >= 100 else f"{number:.3g} {unit}"


def _threads(number: int) -> str:
    return "One thread" if number == 1 else f"{number} threads"


def _pairs(known: dict[str, str]) -> str:
    return _table(["", "machine"], [[name, value] for name, value in known.items()])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def read(path: Path) -> Results:
    """Results as ``results.json`` holds them."""
    found = json.loads(path.read_text(encoding="utf-8"))
    measurements = [Measurement(**one) for one in found["measurements"]]
    return Results(
        found["machine"],
        measurements,
        [Command(**one) for one in found["commands"]],
        [Training(**one) for one in found["trainings"]],
    )


def joined(parts: Sequence[Results]) -> Results:
    """Results that were measured in several runs on one machine, as if in one; the machine is as the first found it."""
    return Results(
        parts[0].machine,
        [one for part in parts for one in part.measurements],
        [one for part in parts for one in part.commands],
        [one for part in parts for one in part.trainings],
    )


if __name__ == "__main__":
    print(text(joined([read(Path(name)) for name in sys.argv[1:]])))
