"""``bp train --plan``: what a training would take on so many ranks, by the model of its cost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bpcli.cli.output import emit_json
from bpcli.errors import ConfigError

if TYPE_CHECKING:
    from bpcli.experiment.job import PlannedJob
    from bpcli.scaling.arithmetic import Arithmetic
    from bpcli.scaling.cluster import Cluster, Network

MOST_RANKS = 1 << 20
"""More ranks than any machine has."""

SPEED = re.compile(r"(\d+(?:\.\d+)?)([MGT])(?:,(\d+(?:\.\d+)?)(us|ms))?")
"""Bits per second of a link, such as 10G, and seconds of a small message, such as 25us."""

FACTORS = {"M": 1e6, "G": 1e9, "T": 1e12, "us": 1e-6, "ms": 1e-3}


@dataclass(frozen=True)
class PlanRequest:
    """Up to how many ranks, on which machines: a file of figures, a link; both None where they are to be assumed."""

    ranks: int
    cluster: Path | None
    network: str | None


def plan_request(ranks: int | None, cluster: Path | None, network: str | None) -> PlanRequest | None:
    """What is asked for, None where no plan is.

    Raises:
        ConfigError: --cluster or --network without --plan.
    """
    if ranks is not None:
        return PlanRequest(ranks, cluster, network)
    for name, value in (("--cluster", cluster), ("--network", network)):
        if value is not None:
            raise ConfigError(f"{name} goes with --plan", where="command line", hint="--plan 64, or leave it out")
    return None


def refuse_with_plan(options: dict[str, object]) -> None:
    """Refuse the options, by their name, that have a value: a plan trains nothing.

    Raises:
        ConfigError: one has a value.
    """
    for name, value in options.items():
        if value:
            raise ConfigError(f"{name} with --plan, which trains nothing", where="command line", hint="leave one out")


def show_plan(path: Path, changes: list[str], request: PlanRequest, *, json: bool) -> None:
    """Print what the training of a config would take on 1, 2, 4, … ranks.

    Raises:
        ConfigError: the config, or the link, is wrong.
        DataError: the file of figures, or of data, is absent or malformed.
    """
    from bpcli.cli.plan_table import Answer, print_plan
    from bpcli.config.reading import read_config
    from bpcli.experiment.job import job_of
    from bpcli.scaling.plan import plan

    link = None if request.network is None else network_from(request.network)
    given = None if request.cluster is None else _read(request.cluster)
    planned = job_of(read_config(path, changes))
    cluster, sources = _cluster(planned, request.ranks, given, link)
    rows = plan(planned.job, cluster, request.ranks, planned.threads)
    answer = Answer(path, changes, planned, cluster, sources, rows)
    if json:
        emit_json(answer.as_json())
    else:
        print_plan(answer, request.ranks)


def network_from(text: str) -> Network:
    """The link that a text such as ``10G`` or ``100G,2us`` describes.

    Raises:
        ConfigError: it describes none.
    """
    from bpcli.scaling.cluster import USUAL_LATENCY, ethernet

    found = SPEED.fullmatch(text)
    if found is None or float(found[1]) == 0:
        hint = "bits per second as 10G or 400M; with the seconds of a small message: 10G,25us"
        raise ConfigError(f"--network is {text!r}", where="command line", hint=hint)
    latency = USUAL_LATENCY if found[3] is None else float(found[3]) * FACTORS[found[4]]
    return ethernet(float(found[1]) * FACTORS[found[2]], latency)


def _read(path: Path) -> Cluster:
    from bpcli.scaling.cluster_file import read_cluster

    return read_cluster(path)


def _cluster(planned: PlannedJob, ranks: int, given: Cluster | None, link: Network | None) -> tuple[Cluster, list[str]]:
    """The machines that are planned for, and in words where each figure is from."""
    from bpcli.scaling.cluster import Cluster, ethernet
    from bpcli.scaling.plan import rank_counts, shards_for
    from bpcli.scaling.products import measure_for

    job = planned.job
    shards = {tried for count in rank_counts(ranks) for tried in shards_for(job, count, planned.threads)}
    arithmetic = measure_for(job, shards) if given is None else given.arithmetic
    sources = [_arithmetic_in_words(planned, arithmetic, measured=given is None)]
    network = link or (None if given is None else given.network)
    if link is not None:
        sources.append("network as given")
    elif network is not None:
        sources.append("network of the cluster's file")
    else:
        network = ethernet()
        sources.append("network assumed")
    return Cluster(arithmetic, network), sources


def _arithmetic_in_words(planned: PlannedJob, arithmetic: Arithmetic, *, measured: bool) -> str:
    ours = "arithmetic measured on this machine just now" if measured else "arithmetic of the cluster's file"
    if planned.job.compiled and arithmetic.compiled_rates is None:
        ours += ", where Numba was absent and BLAS computed; engine numba may take half as long"
    reasons = arithmetic.disturbance.reasons
    return f"{ours}, on a machine that was not quiet: {', '.join(reasons)}" if reasons else ours
