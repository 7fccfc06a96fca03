"""The plan of a training on ranks as it is printed: a table for people, or one JSON object."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import join
from typing import Any

from bpcli.cli.output import emit_lines
from bpcli.data.warnings import number_of
from bpcli.display import print_table
from bpcli.experiment.job import PlannedJob
from bpcli.memory import size
from bpcli.scaling.cluster import Cluster
from bpcli.scaling.cluster_file import as_json
from bpcli.scaling.cost import core_of
from bpcli.scaling.plan import LEAST_EFFICIENCY, WORTH_DOUBLING, Row, worthwhile


@dataclass(frozen=True)
class Answer:
    """The plan for a config with its ``changes``; ``sources`` say where the figures of the cluster are from."""

    config: Path
    changes: list[str]
    planned: PlannedJob
    cluster: Cluster
    sources: list[str]
    rows: list[Row]

    def as_json(self) -> dict[str, Any]:
        """All of it, every key with its unit."""
        return {
            "config": str(self.config),
            "job": {**asdict(self.planned.job), "engine": self.planned.engine, "threads": self.planned.threads},
            "cluster": as_json(self.cluster),
            "sources": self.sources,
            "ranks": [_row_as_json(row) for row in self.rows],
            "worthwhile": worthwhile(self.rows).ranks,
        }


def _row_as_json(row: Row) -> dict[str, Any]:
    return {
        "ranks": row.ranks,
        "shards": row.shards,
        "step_seconds": row.step.total,
        "arithmetic_seconds": row.step.arithmetic,
        "update_seconds": row.step.update,
        "exchange_seconds": row.step.exchange,
        "epoch_seconds": row.epoch,
        "hours": row.training / 3600,
        "speed_up": row.speed_up,
        "efficiency": row.efficiency,
        "rank_hours": row.rank_hours,
        "bytes_of_a_rank": row.memory,
    }


HEADS = ("ranks", "shards", "step", "exchange", "epoch", "training", "speed-up", "efficiency", "rank-hours", "memory")
"""Of the columns of the table."""


def print_plan(answer: Answer, most: int) -> None:
    """Print what is planned, the table, and up to how many ranks it pays; ``most`` were asked for."""
    for line in _introduction(answer):
        emit_lines(line)
    print_table(HEADS, [_cells(row) for row in answer.rows], sys.stdout, text=())
    for line in _verdict(answer, most):
        emit_lines(line)


def _introduction(answer: Answer) -> list[str]:
    """What is planned, and by which figures."""
    planned, cluster = answer.planned, answer.cluster
    job, network, core = planned.job, cluster.network, core_of(planned.job, cluster)
    assert network is not None, "several ranks have a network"
    rate = core.rate(max(job.sizes[1:]), job.columns, job.itemsize)
    network_in_words = f"{'-'.join(map(str, job.sizes))}, {job.parameters:,} parameters"
    return [
        f"{network_in_words}; {number_of(job.epochs, 'epoch')} of {number_of(job.updates, 'step')}",
        f"predicted, not measured, for ranks of {number_of(planned.threads, 'thread')}: {'; '.join(answer.sources)}",
        f"a core: {rate / 1e9:.3g} G multiplications and {core.memory / 1e9:.3g} GB a second",
        f"between ranks: {network.bandwidth / 1e9:.3g} GB a second, {network.latency * 1e6:.3g} µs a message",
    ]


def _cells(row: Row) -> list[str]:
    return [
        f"{row.ranks:,}",
        f"{row.shards:,}",
        duration(row.step.total),
        duration(row.step.exchange) if row.ranks > 1 else "",
        duration(row.epoch),
        duration(row.training),
        f"{row.speed_up:.2f}",
        f"{row.efficiency:.0%}",
        f"{row.rank_hours:.3g}",
        size(row.memory),
    ]


def duration(seconds: float) -> str:
    """Seconds as people read them, three digits: 12.3 µs, 4.56 ms, 7.89 s, 1.23 min, 4.56 h."""
    for least, factor, unit in ((3600.0, 3600.0, "h"), (60.0, 60.0, "min"), (1.0, 1.0, "s"), (1e-3, 1e-3, "ms")):
        if seconds >= least:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def _verdict(answer: Answer, most: int) -> list[str]:
    """On how many ranks the training should run, and why not on more."""
    rows, batch_size, best = answer.rows, answer.planned.job.batch_size, worthwhile(answer.rows)
    lines = []
    if best.ranks > 1:
        command = f"mpirun -n {best.ranks} bp train {_arguments(answer, best.shards)}"
        cost = f"{duration(best.training)} for {best.rank_hours:.3g} rank-hours"
        lines.append(f"worth it up to {best.ranks:,} ranks, {cost}: {command}")
    elif len(rows) > 1 and rows[1].speed_up < 1:
        lines.append(
            f"one rank is quickest: a second makes every step slower, "
            f"{duration(rows[1].step.total)} instead of {duration(rows[0].step.total)}"
        )
    elif len(rows) > 1:
        lines.append("one rank is best: a second does not pay")
    if 1 < best.ranks < rows[-1].ranks:
        lines.append(
            f"beyond, twice the ranks are less than {WORTH_DOUBLING} times as fast, "
            f"or less than {LEAST_EFFICIENCY:.0%} of them computes"
        )
    if most > batch_size:
        lines.append(f"a batch has {number_of(batch_size, 'example')}, so more ranks than that have nothing to compute")
    return lines


def _arguments(answer: Answer, shards: int) -> str:
    """The config and its changes, with so many shards, as a shell reads them."""
    changes = [change for change in answer.changes if change.partition("=")[0] != "shards"]
    return join([str(answer.config), *changes, f"shards={shards}"])
