"""The tables of docs/understand/scaling.md: the model beside measurements, and what it says of many nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.scaling.cases import CABLES, NODES, Nodes
from bpcli.scaling.arithmetic import Arithmetic
from bpcli.scaling.cluster import Cluster, Network, ethernet
from bpcli.scaling.cluster_file import read_cluster
from bpcli.scaling.cost import step_seconds
from bpcli.scaling.plan import Row, plan, worthwhile

RESULTS = Path(__file__).parent / "results"
"""What was measured: the figures of the machine, and a file for each cable with its network and seconds."""

TOLERANCE = 0.2
"""How far the model may be off."""

MANY = 1000
"""From here on numbers are written whole."""

PROCESS = "process"
"""The cable that is none: one process on several threads."""

MACHINE = RESULTS / "machine.json"


def measured_table() -> Iterator[str]:
    """Predicted beside measured seconds of a step, over the cables that were measured."""
    yield "| between ranks | ranks | network, batch | measured | predicted | arithmetic + update + exchange | ratio |"
    yield "|---|---|---|---|---|---|---|"
    for name in CABLES:
        if name != PROCESS:
            yield from _rows(name)


def threads_table() -> Iterator[str]:
    """The same of one process on several threads."""
    yield "| | ranks | network, batch | measured | predicted | arithmetic + update + exchange | ratio |"
    yield "|---|---|---|---|---|---|---|"
    yield from _rows(PROCESS)


def _rows(name: str) -> Iterator[str]:
    """The cases of a cable, if it was measured."""
    file, cable, core = RESULTS / f"{name}.json", CABLES[name], read_cluster(MACHINE).arithmetic
    found = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"network": None, "steps": {}}
    cluster = Cluster(core, found["network"] and Network(**found["network"]))
    for ranks, seconds in found["steps"].items():
        for case, measured in zip(cable.cases, seconds, strict=True):
            step = step_seconds(case.job, cluster, int(ranks), case.threads)
            parts = " + ".join(milliseconds(part) for part in (step.arithmetic, step.update, step.exchange))
            told = f"{milliseconds(measured)} ms | {milliseconds(step.total)} ms | {parts}"
            yield f"| {cable.title} | {ranks} | {case.title} | {told} | {ratio(step.total / measured)} |"


def ratio(value: float) -> str:
    """Predicted to measured, marked where it is off by more than 20 %."""
    return f"{value:.2f}" + " †" * (abs(value - 1) > TOLERANCE)


def milliseconds(seconds: float) -> str:
    """Three digits."""
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def nodes_table(nodes: Nodes) -> Iterator[str]:
    """Speed-up and cost of a training on 1 … 1,024 nodes, by batch and link."""
    core = read_cluster(MACHINE).arithmetic
    columns = [_plan(nodes, core, bits, batch) for bits in nodes.links for batch in nodes.batches]
    heads = [f"{bits / 1e9:.0f} Gbit/s, batch {batch:,}" for bits in nodes.links for batch in nodes.batches]
    yield f"| nodes | {' | '.join(heads)} |"
    yield f"|---|{'---|' * len(heads)}"
    for index in range(nodes.doublings + 1):
        cells = [_cell(rows, index) for rows in columns]
        yield f"| {1 << index:,} | {' | '.join(cells)} |"


def _plan(nodes: Nodes, core: Arithmetic, bits: float, batch: int) -> list[Row]:
    return plan(nodes.job(batch, core), Cluster(core, ethernet(bits)), 1 << nodes.doublings, nodes.threads)


def _cell(rows: list[Row], index: int) -> str:
    """The speed-up, and what the training costs beside one node; the last worthwhile number of nodes is bold."""
    if index >= len(rows) or rows[index].ranks != 1 << index:
        return "–"
    row = rows[index]
    cost = 1 / row.efficiency
    text = f"{row.speed_up:.3g} ({cost:,.0f})" if cost >= MANY else f"{row.speed_up:.3g} ({cost:.3g})"
    return f"**{text}**" if row is worthwhile(rows) else text


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "measured": measured_table,
    "threads": threads_table,
    **{name: partial(nodes_table, nodes) for name, nodes in NODES.items()},
}
"""Each table of the page by its name."""
