"""``bp train --plan``: predictions printed without training, and refusals of what a plan has no use for."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bpcli.scaling.arithmetic import Arithmetic
from bpcli.scaling.cluster import Cluster, Network
from bpcli.scaling.cluster_file import as_json, read_cluster
from bpcli.scaling.cost import step_seconds
from bpcli.scaling.disturbance import Disturbance
from bpcli.scaling.job import Job
from bpcli.scaling.products import measure
from tests.cli.support import Result, good, listing, points, refused, write_config

CORE = Arithmetic((8, 512), (1, 512), ((2e8, 3e8), (5e8, 6e8)), memory=2e10, call=1e-6)
CONFIG = """
data:
  path: points.csv
  split: {validation: 0.2}
network: {hidden: [300]}
loss: cross_entropy
optimizer: {name: adam, batch_size: 16}
epochs: 3
engine: numpy
"""


WITH = "with --plan, which trains nothing"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    points(tmp_path / "points.csv")
    write_config(tmp_path / "c.yaml", CONFIG)
    for name, network in (("fast.json", Network(1e-6, 1e10)), ("core.json", None)):
        text = json.dumps(as_json(Cluster(CORE, network)))
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def plan(folder: Path, *words: str) -> Result:
    before = listing(folder)
    result = good("train", "c.yaml", *words, cwd=folder)
    assert listing(folder) == before
    assert result.err == ""
    return result


def test_a_plan_is_the_models_and_names_the_command_to_run(folder: Path) -> None:
    found = plan(folder, "--plan", "64", "--cluster", "fast.json", "--json").json
    job = found["job"]
    assert (job["sizes"], job["batch_size"], job["kept"], job["epochs"]) == ([2, 300, 3], 16, 2, 3)
    assert [row["ranks"] for row in found["ranks"]] == [1, 2, 4, 8, 16]
    model = Job((2, 300, 3), 16, 4, job["examples"], 3, 2, job["validation"])
    assert found["ranks"][2]["step_seconds"] == step_seconds(model, Cluster(CORE, Network(1e-6, 1e10)), 4).total
    assert found["ranks"][1]["hours"] == pytest.approx(3 * found["ranks"][1]["epoch_seconds"] / 3600)
    best = found["worthwhile"]
    assert best > 1
    changes = ["data.split={validation: 0.2}", "shards=2"]
    lines = plan(folder, *changes, "--plan", "64", "--cluster", "fast.json").out.splitlines()
    assert lines[4].split() == [
        *("ranks", "shards", "step", "exchange", "epoch", "training", "speed-up", "efficiency", "rank-hours", "memory")
    ]
    assert lines[10].endswith(f": mpirun -n {best} bp train c.yaml 'data.split={{validation: 0.2}}' shards={best}")
    assert lines[-1] == "a batch has 16 examples, so more ranks than that have nothing to compute"


def test_a_plan_says_where_its_figures_are_not_to_be_trusted(folder: Path) -> None:
    busy = Cluster(replace(CORE, disturbance=Disturbance(lost=0.3)), Network(1e-6, 1e10))
    (folder / "busy.json").write_text(json.dumps(as_json(busy)), encoding="utf-8")
    told = plan(folder, "--plan", "2", "--cluster", "busy.json", "engine=numba").out.splitlines()[1]
    assert "where Numba was absent and BLAS computed; engine numba may take half as long" in told
    assert "on a machine that was not quiet: other work took 30% of the core's time" in told


def test_a_plan_names_the_rate_of_the_products_that_would_train(folder: Path) -> None:
    both = Cluster(replace(CORE, compiled_rates=((7e9, 7e9), (7e9, 7e9))), Network(1e-6, 1e10))
    (folder / "both.json").write_text(json.dumps(as_json(both)), encoding="utf-8")
    lines = plan(folder, "--plan", "1", "--cluster", "both.json", "engine=numba", "epochs=1").out.splitlines()
    assert "; 1 epoch of " in lines[0]
    assert lines[2] == "a core: 7 G multiplications and 20 GB a second"


def test_dropout_noise_limited_weights_and_the_rule_are_planned(folder: Path) -> None:
    noisy = ["network.dropout=0.5", "data.input_noise={name: gaussian}"]
    changes = [*noisy, "network.max_norm=2", "optimizer.name=nadam"]
    job = plan(folder, *changes, "--plan", "1", "--cluster", "fast.json", "--json").json["job"]
    assert (job["drawn"], job["limited"]) == ({"dropout": 300, "gaussian": 2}, 600)
    assert not job["elementwise"]  # nadam remembers one number for all


def test_a_small_network_is_quickest_on_one_rank(folder: Path) -> None:
    lines = plan(folder, "network.hidden=[3]", "--plan", "2", "--cluster", "core.json", "--network", "1G,50us").out
    assert "network as given" in lines
    assert "0.118 GB a second, 50 µs a message" in lines
    assert "one rank is quickest: a second makes every step slower, " in lines


def test_without_figures_this_machine_is_measured_and_a_network_assumed(folder: Path) -> None:
    found = plan(folder, "--plan", "1", "--json").json
    arithmetic, network = found["sources"]
    assert arithmetic.startswith("arithmetic measured on this machine just now")  # and whether the machine was quiet
    assert network == "network assumed"
    assert found["cluster"]["network"]["latency_seconds"] == 3e-5
    assert len(found["ranks"]) == 1
    assert found["ranks"][0]["step_seconds"] > 0


@pytest.mark.parametrize(
    ("words", "status", "error", "hint"),
    [
        (
            ["--plan", "0"],
            2,
            "command line: invalid value for '--plan': Input should be greater than or equal to 1",
            "see bp train --help",
        ),
        (
            ["--plan", "1000000000"],
            2,
            "command line: invalid value for '--plan': Input should be less than or equal to 1048576",
            "see bp train --help",
        ),
        (
            ["--plan", "2", "--resume", "x"],
            2,
            "command line: --resume with --plan, which trains nothing",
            "leave one out",
        ),
        (
            ["--plan", "2", "--seeds", "2"],
            2,
            "command line: --seeds with --plan, which trains nothing",
            "leave one out",
        ),
        (["--plan", "2", "--quiet"], 2, "command line: --quiet with --plan, which trains nothing", "leave one out"),
        (["--cluster", "fast.json"], 2, "command line: --cluster goes with --plan", "--plan 64, or leave it out"),
        (
            ["--plan", "2", "--network", "0G"],
            2,
            "command line: --network is '0G'",
            "bits per second as 10G or 400M; with the seconds of a small message: 10G,25us",
        ),
        (
            ["--plan", "2", "--cluster", "points.csv"],
            3,
            "points.csv: no figures of a cluster: not JSON: Expecting value: line 1 column 1 (char 0)",
            "measure again: bp bench-cluster --output FILE",
        ),
        (
            ["--plan", "2", "optimizer={name: lbfgs, mode: batch}"],
            2,
            "command line: optimizer={name: lbfgs, mode: batch}: lbfgs takes no steps that ranks could share",
            "plan another rule",
        ),
        (
            ["--plan", "2", "shards=17"],
            2,
            "command line: shards=17: shards is 17, but a batch has 16 examples",
            "fewer shards",
        ),
    ],
)
def test_what_a_plan_has_no_use_for_is_refused(
    folder: Path, words: list[str], status: int, error: str, hint: str
) -> None:
    refused("train", "c.yaml", *words, cwd=folder, status=status, error=error, hint=hint)


def test_one_process_measures_its_core_and_says_what_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpcli.scaling.bench.measure", partial(measure, (8,), (1, 16)))
    found = good("bench-cluster", "--output", "here.json", cwd=folder)
    assert found.out.splitlines()[-1].startswith("network: not measured, there is one process; ")
    assert found.out.splitlines()[1].split() == ["units", "1", "16"]
    cluster = read_cluster(folder / "here.json")
    assert (cluster.arithmetic.units, cluster.network) == ((8,), None)
    plan(folder, "--plan", "2", "--cluster", "here.json")
    assert good("bench-cluster", "--json", cwd=folder).json["ranks"] == 1
