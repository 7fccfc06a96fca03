"""``bp doctor``, and what ``bp train`` says of its data by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.support import ROOT, bp, read_record

PASSENGERS = """
    data: {path: passengers.csv, split: {validation: 0.2, test: 0.2, seed: 1}}
    network: {hidden: [8]}
    loss: binary_cross_entropy
    optimizer: {name: adam, learning_rate: 0.01}
    epochs: 2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Passengers of whom ``alive`` says in other words what is to be learned."""
    rng = np.random.default_rng(0)
    lines = ["sex,age,fare,alive,survived"]
    for _ in range(300):
        female, age, fare = rng.random() < 0.4, rng.gamma(6, 5), rng.lognormal(3, 1)
        survived = rng.random() < (0.75 if female else 0.2)
        cells = [
            "female" if female else "male",
            f"{age:.2f}",
            f"{fare:.4f}",
            "yes" if survived else "no",
            str(int(survived)),
        ]
        lines.append(",".join(cells))
    (tmp_path / "passengers.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "passengers.yaml").write_text(PASSENGERS, encoding="utf-8")
    return tmp_path


def test_the_column_that_alone_tells_the_target_is_named_and_the_status_is_1(folder: Path) -> None:
    result = bp("doctor", "passengers.yaml", cwd=folder)
    assert result.status == 1
    assert "PROBLEM  leaking columns: 'alive' (100.0% of the mistakes avoided)" in result.out.splitlines()
    assert "→ add alive to data.drop, unless " in result.out  # others may be in it already
    assert result.out.splitlines()[-1] == "1 problem: leaking columns"
    assert not (folder / "runs").exists()


def test_without_it_there_is_no_problem_and_json_says_as_much(folder: Path) -> None:
    result = bp("doctor", "passengers.yaml", "data.drop=[alive]", "--json", cwd=folder)
    assert result.status == 0
    assert result.json["problems"] == []
    names = [check["check"] for check in result.json["checks"]]
    assert names[0] == "constant target"
    assert names[-1] == "learning rates"
    assert result.json["checks"][-1]["drawing"]


def test_training_warns_of_it_in_one_line_which_the_record_keeps(folder: Path) -> None:
    result = bp("train", "passengers.yaml", "--run", "run", cwd=folder)
    line = "a feature tells the target: 'alive' (100.0% of the mistakes avoided); see bp doctor"
    assert result.errors[0] == f"warning: {line}"
    assert read_record(folder / "run")["notes"][0] == line
    quiet = bp("train", "passengers.yaml", "data.drop=[alive]", "--run", "other", cwd=folder)
    assert not any(line.startswith("warning") for line in quiet.errors)
    assert bp("doctor", "run", cwd=folder).status == 1


def test_no_shipped_config_is_warned_of(tmp_path: Path) -> None:
    from bpcli.config.reading import read_config
    from bpcli.diagnosis.gravest import gravest
    from bpcli.experiment import build

    for config in sorted((ROOT / "configs").glob("*.yaml")):
        if not config.name.startswith("mnist"):
            lines = build(read_config(config, []), gravest).loaded.warnings.other
            assert not any("bp doctor" in line for line in lines), config
