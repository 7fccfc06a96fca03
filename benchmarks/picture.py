"""The picture: for each workload, every competitor's time as a multiple of bp's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.competitors import COMPETITORS, REFERENCE
from benchmarks.report import Results, mark, of_workload, ratio
from benchmarks.rounds import Measurement
from benchmarks.workloads import WORKLOADS

MARKERS = "os^Dv<>P*X"
ROW_INCHES = 0.62


def draw(results: Results, path: Path) -> None:
    """Write a panel for each number of threads; nothing, where no ratios were measured."""
    counts = sorted({one.threads for one in results.measurements})
    names = [name for name in WORKLOADS if of_workload(results.measurements, name)]
    if not names:
        return
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        1, len(counts), sharey=True, squeeze=False, figsize=(5 + 4.5 * len(counts), 2.2 + ROW_INCHES * len(names))
    )
    for axis, threads in zip(axes[0], counts, strict=True):
        _panel(axis, names, [one for one in results.measurements if one.threads == threads])
        axis.set_title(f"{threads} thread{'s' * (threads > 1)}")
    axes[0][0].set_yticks(range(len(names)), [_short(WORKLOADS[name].title) for name in names])
    axes[0][0].invert_yaxis()
    handles = {handle.get_label(): handle for axis in axes[0] for handle in axis.get_legend_handles_labels()[0]}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=5, frameon=False)
    figure.suptitle(f"Time of a step, {REFERENCE} = 1 (left is faster; hollow: another loss, or not the same result)")
    figure.set_layout_engine("constrained")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _panel(axis: Any, names: list[str], measurements: list[Measurement]) -> None:
    for marker, name in zip(MARKERS, (name for name in COMPETITORS if name != REFERENCE), strict=False):
        _points(axis, names, [one for one in measurements if one.competitor == name], measurements, marker)
    axis.axvline(1, color="black", linewidth=1, zorder=0)
    axis.set_xscale("log")
    axis.grid(axis="both", which="major", linewidth=0.3)


def _points(axis: Any, names: list[str], own: list[Measurement], measurements: list[Measurement], marker: str) -> None:
    """One competitor's ratios, with their spread."""
    color = f"C{MARKERS.index(marker)}"
    label: str | None = own[0].competitor if own else None
    for one in own:
        group = of_workload(measurements, one.workload)
        reference = next((other for other in group if other.competitor == REFERENCE), None)
        found = ratio(one, reference)
        if found is None:
            continue
        middle, low, high = found
        axis.errorbar(
            middle,
            names.index(one.workload),
            xerr=[[middle - low], [high - middle]],
            fmt=marker,
            color=color,
            fillstyle="none" if mark(one, reference) else "full",
            label=label,
            capsize=2,
        )
        label = None


def _short(title: str) -> str:
    """A title in two lines."""
    sizes, _, rest = title.partition(", ")
    return f"{sizes}\n{rest}"
