"""``--starter``: a script in a framework that computes the exported gradient."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest

from bpcli.checking.starters import STARTERS, Files
from bpcli.checking.starters.scikit_learn import HIDDEN, PAIRS
from bpcli.cli.gradcheck import gradcheck
from bpcli.errors import ConfigError
from bpcli.nn.activations import ACTIVATIONS, Activation, Tanh
from bpcli.nn.heads import join
from bpcli.nn.layers import Dense
from bpcli.nn.losses import LOSSES, HalfSquaredError, Loss, Reduction
from bpcli.nn.network import Network, dense
from tests.cli.support import bp, good, points, refused, write_config, write_table
from tests.nn.support import REDUCTIONS, activation, loss, pairs

from .test_external_gradients import AGREES

FILES = Files("given.npz", "given_gradients.npz")

every_starter = pytest.mark.parametrize("name", STARTERS)


def network(hidden: list[Activation], output: Activation, of: Loss) -> Network:
    return dense((2, *([4] * len(hidden)), 3), tuple(hidden), join(output, of))


def test_the_command_offers_every_starter() -> None:
    offered = get_type_hints(gradcheck, include_extras=False)["starter"]
    assert set(STARTERS) == {name for kind in get_args(offered) for name in get_args(kind)}


COVERED = {*ACTIVATIONS, *LOSSES} - {"prelu"}
"""The choices for which every starter but scikit-learn's has words."""


def covers(name: str, hidden: str, output: str, of: str) -> bool:
    if name == "scikit-learn":
        return hidden in HIDDEN and (output, of) in PAIRS
    return {hidden, output, of} <= COVERED


@every_starter
def test_every_listed_choice_has_words_that_compile_or_is_refused_by_name(name: str) -> None:
    first, *others = product(REDUCTIONS, REDUCTIONS)
    for (output, of), hidden in product(pairs(), ACTIVATIONS):
        for outputs, examples in [first, *(others if hidden == "tanh" else [])]:
            given = network([activation(hidden)], activation(output), loss(of, outputs, examples))
            if covers(name, hidden, output, of):
                compile(STARTERS[name].script(given, FILES), name, "exec")
            else:
                with pytest.raises(ConfigError, match=f"does not know .*({hidden}|{output}|{of})"):
                    STARTERS[name].script(given, FILES)


@dataclass(frozen=True)
class Swish(Tanh):
    """An activation that no starter knows."""


@dataclass(frozen=True)
class Steep(Tanh):
    """A known activation's name with a setting that no starter has a place for."""

    steepness: float = 2.0


@dataclass(frozen=True)
class BarronError(HalfSquaredError):
    """A loss that no starter knows."""


@dataclass(frozen=True)
class Sparse(Dense):
    """A layer that no starter knows."""


@every_starter
def test_an_unknown_choice_is_refused_by_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from bpcli.nn.layers import LAYERS

    monkeypatch.setitem(ACTIVATIONS, "swish", Swish)
    monkeypatch.setitem(ACTIVATIONS, "tanh", Steep)
    monkeypatch.setitem(LOSSES, "barron", BarronError)
    monkeypatch.setitem(LAYERS, "sparse", Sparse)
    plain = network([activation("relu")], activation("identity"), loss("half_squared_error"))
    layers = (Sparse(4, activation("relu")), *plain.layers[1:])
    unknown = {
        "swish": network([Swish()], activation("identity"), loss("half_squared_error")),
        "tanh" + (" with steepness" if name != "scikit-learn" else ""): network(
            [activation("relu")], Steep(), loss("half_squared_error")
        ),
        "barron": network([activation("relu")], activation("identity"), BarronError()),
        "sparse": Network(2, layers, plain.head),
    }
    for what, given in unknown.items():
        with pytest.raises(ConfigError, match=what) as caught:
            STARTERS[name].script(given, FILES)
        assert caught.value.hint


def test_scikit_learn_has_one_activation_for_all_hidden_layers() -> None:
    given = network([activation("relu"), activation("tanh")], activation("identity"), loss("half_squared_error"))
    with pytest.raises(ConfigError, match="relu and tanh"):
        STARTERS["scikit-learn"].script(given, FILES)


# The command.


def config(folder: Path) -> Path:
    points(folder / "points.csv")
    return write_config(
        folder / "points.yaml", "data: {path: points.csv}\nnetwork: {hidden: [4]}\nloss: cross_entropy\n"
    )


def test_the_script_is_written_beside_the_export_and_named(tmp_path: Path) -> None:
    config(tmp_path)
    (tmp_path / "out").mkdir()
    words = ("gradcheck", "points.yaml", "--export", "out/a.npz", "--examples", "5", "--starter", "scikit-learn")
    assert good(*words, cwd=tmp_path).out == "out/a.npz\nout/a_scikit_learn.py\n"
    expected = {"exported": "out/a.npz", "examples": 5, "starter": "out/a_scikit_learn.py"}
    assert good(*words, "--json", cwd=tmp_path).json == expected
    compile((tmp_path / "out/a_scikit_learn.py").read_text(encoding="utf-8"), "a", "exec")


def test_a_script_that_was_worked_on_is_kept(tmp_path: Path) -> None:
    config(tmp_path)
    (tmp_path / "a_jax.py").write_text("mine", encoding="utf-8")
    refused(
        *("gradcheck", "points.yaml", "--export", "a.npz", "--starter", "jax"),
        cwd=tmp_path,
        status=2,
        error="a_jax.py: there is another script of this name",
        hint="move it, or export to another name",
    )


def test_a_choice_that_a_framework_lacks_leaves_no_file(tmp_path: Path) -> None:
    config(tmp_path)
    refused(
        *(
            "gradcheck",
            "points.yaml",
            "network.activation=leaky_relu",
            "--export",
            "a.npz",
            "--starter",
            "scikit-learn",
        ),
        cwd=tmp_path,
        status=2,
        error="command line: the starter for scikit-learn does not know leaky_relu here, "
        "only identity, sigmoid, tanh, relu",
        hint="take another framework, or leave --starter out and write the script yourself",
    )


def test_a_starter_without_an_export_is_refused(tmp_path: Path) -> None:
    config(tmp_path)
    refused(
        *("gradcheck", "points.yaml", "--starter", "jax"),
        cwd=tmp_path,
        status=2,
        error="command line: --starter without --export",
        hint="the script reads an export: add --export FILE",
    )


# The scripts, run as they are.

NEEDED = {"pytorch": "torch", "jax": "jax", "flax": "flax", "keras": "keras", "scikit-learn": "sklearn"}


def cases(name: str) -> list[tuple[str, list[str], str, str, Reduction, Reduction]]:
    """What is run: a name, hidden activations, output, loss and its reductions."""
    if name == "scikit-learn":
        return [
            (f"{output} {hidden}", [hidden, hidden][: i % 3], output, of, REDUCTIONS[i % 2], REDUCTIONS[i // 2 % 2])
            for i, ((output, of), hidden) in enumerate((pair, one) for pair in PAIRS for one in HIDDEN)
        ]
    every = [one for one in ACTIVATIONS if one in COVERED and one != "exponential"]
    return [
        (f"{output} {of}", every[: i % 7], output, of, REDUCTIONS[i % 2], REDUCTIONS[i // 2 % 2])
        for i, (output, of) in enumerate((pair for pair in pairs() if {*pair} <= COVERED), start=5)
    ]


def amounts(path: Path) -> Path:
    """Two features, numbers above 0, and shares of 1."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([1, 2, 3], 30).round(2)
    shares[:, 2] = (1 - shares[:, :2].sum(axis=1)).round(2)
    rows = [[*rng.normal(size=2).tolist(), *rng.integers(1, 9, 3).tolist(), *share] for share in shares.tolist()]
    return write_table(path, ["u", "v", "n", "k", "n2", "p", "q", "r"], rows)


@pytest.mark.slow
@every_starter
def test_a_script_run_unchanged_gives_gradients_that_agree(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")  # Keras looks for TensorFlow when it is imported without this
    for module in (NEEDED[name], *(("jax",) if name in ("flax", "keras") else ())):
        pytest.importorskip(module, reason=f"{module} is not installed")
    points(tmp_path / "points.csv")
    amounts(tmp_path / "amounts.csv")
    for i, (what, hidden, output, of, outputs, examples) in enumerate(cases(name)):
        form = loss(of).targets
        target = "[p, q, r]" if form.shares else "[n, k, n2]"
        path = "points.csv" if form.task != "regression" and not form.shares else "amounts.csv"
        data = "{path: points.csv}" if path == "points.csv" else f"{{path: {path}, features: [u, v], target: {target}}}"
        layers = ", ".join(f"{{units: 4, activation: {one}}}" for one in hidden)
        write_config(
            tmp_path / "points.yaml",
            f"""
            data: {data}
            network: {{hidden: [{layers}], output: {output}, initializer: {{name: normal, std: 1}}}}
            loss: {{name: {of}, outputs: {outputs}, examples: {examples}}}
            """,
        )
        suffix = ("npz", "safetensors")[i % 2]
        words = ("gradcheck", "points.yaml", "--export", f"a{i}.{suffix}", "--starter", name)
        script = good(*words, cwd=tmp_path).out.splitlines()[1]
        subprocess.run([sys.executable, script], cwd=tmp_path, check=True, capture_output=True)
        found = f"{script.removesuffix('.py')}_gradients.npz"
        judged = bp("gradcheck", "points.yaml", "--against", found, cwd=tmp_path)
        assert judged.status == 0, what
        rounding = r"(; [\d,]+ entr(y|ies) differs? by rounding alone)?"
        assert re.fullmatch(re.escape(f"{found}: {AGREES['float64']}") + rounding, judged.out.rstrip("\n")), what
