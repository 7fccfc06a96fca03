"""``bp bench-cluster``: what the machines of a cluster and the network between them do in a second."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bpcli.cli.arguments import Json
from bpcli.cli.output import emit_json, emit_lines
from bpcli.cli.output_file import require_no_loss
from bpcli.ranks.group import SOLO

if TYPE_CHECKING:
    from bpcli.ranks.group import Group
    from bpcli.ranks.links import Links
    from bpcli.scaling.arithmetic import Arithmetic, Rates
    from bpcli.scaling.bench import Bench

NO_NETWORK = "network: not measured, there is one process; two hosts: mpirun -n 2 --host A,B bp bench-cluster"


def bench_cluster(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the figures as JSON, for bp train --plan --cluster."),
    ] = None,
    json: Json = False,
) -> None:
    """Measure what a core computes and what the network carries.

    Multiplications a second in products of the shapes that training has, memory, calls and random numbers; as mpirun
    -n 2 bp bench-cluster the latency and the bandwidth between processes. Takes some seconds, on quiet machines; the
    slowest host counts.

    Example: bp bench-cluster --output cluster.json
    """
    from bpcli.display import warn
    from bpcli.scaling.bench import bench
    from bpcli.scaling.cluster_file import as_json
    from bpcli.storage.files import write
    from bpcli.storage.text import to_json

    require_no_loss(output, [])
    group: Group = context.obj or SOLO
    found = bench(_links(group))
    figures = as_json(found.cluster)
    if json:
        checks = [vars(check) for check in found.checks]
        emit_json({**figures, "ranks": found.ranks, "exchanges": checks})
    else:
        _print(found)
    warn(_doubts(found.cluster.arithmetic))
    if output is not None and group.index == 0:
        write(output, (to_json(figures, indent=1) + "\n").encode())


def _links(group: Group) -> Links | None:
    """The network between all ranks, once they are ready; None where there is one."""
    if group.count == 1:
        return None
    group.together(lambda: {"command": "bench-cluster"}, group.count)
    from bpcli.ranks.links import links_between_all

    return links_between_all()


def _print(found: Bench) -> None:
    arithmetic, network = found.cluster.arithmetic, found.cluster.network
    _print_rates("BLAS", arithmetic, arithmetic.rates)
    if arithmetic.compiled_rates is not None:
        _print_rates("products of engine numba", arithmetic, arithmetic.compiled_rates)
    emit_lines(f"memory: {arithmetic.memory / 1e9:.3g} GB/s; calls: {arithmetic.call * 1e6:.3g} µs a layer")
    drawn = ", ".join(f"{kind} {seconds * 1e9:.3g} ns" for kind, seconds in arithmetic.drawing.items())
    emit_lines(f"random numbers: {drawn} each")
    if network is None:
        emit_lines(NO_NETWORK)
        return
    emit_lines(f"network: {network.latency * 1e6:.3g} µs a message, {network.bandwidth / 1e9:.3g} GB/s")
    for check in found.checks:
        emit_lines(
            f"a gradient of {check.parameters:,} parameters is added up over {found.ranks} ranks "
            f"in {check.measured * 1e3:.3g} ms; by the model {check.predicted * 1e3:.3g} ms"
        )


def _doubts(arithmetic: Arithmetic) -> list[str]:
    """Why the figures are not to be trusted, as one warning; none on a quiet machine."""
    reasons = arithmetic.disturbance.reasons
    return [f"the machine was not quiet, so measure again: {', '.join(reasons)}"] if reasons else []


def _print_rates(name: str, arithmetic: Arithmetic, rates: Rates) -> None:
    from bpcli.display import print_table

    emit_lines(f"G multiplications a second of a core, {name}, by units of a layer's narrower side and columns:")
    rows = [
        [str(units), *(f"{rate / 1e9:.1f}" for rate in of_units)]
        for units, of_units in zip(arithmetic.units, rates, strict=True)
    ]
    print_table(["units", *map(str, arithmetic.columns)], rows, sys.stdout, text=())
