"""bp train --seeds and --folds: the runs, their summary, out-of-fold predictions and the refit."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from tests.cli.support import bp, good, points, read_csv, read_record, refused, write_config

POINTS = """
    seed: 4
    data: {path: points.csv, split: {validation: 0.2, test: 0.2}}
    network: {hidden: [5]}
    loss: cross_entropy
    optimizer: {batch_size: 8}
    epochs: 6
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two series: ``seeds``, three of them, and ``folds``, four with a refit."""
    place = tmp_path_factory.mktemp("series")
    points(place / "points.csv")
    write_config(place / "points.yaml", POINTS)
    good("train", "points.yaml", "--seeds", "3", "--run", "seeds", "--quiet", cwd=place)
    good("train", "points.yaml", "--folds", "4", "--refit", "--run", "folds", cwd=place)
    return place


def test_each_seed_is_the_run_that_it_would_be_alone(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "seeds").iterdir() if path.is_dir()) == ["seed-4", "seed-5", "seed-6"]
    good("train", "points.yaml", "seed=5", "--run", "alone", "--quiet", cwd=folder)
    for file in ("config.yaml", "metrics.csv", "model.safetensors", "split.csv"):
        assert (folder / "seeds/seed-5" / file).read_bytes() == (folder / "alone" / file).read_bytes()


def test_the_summary_has_the_mean_of_every_metric_over_the_runs(folder: Path) -> None:
    finals = [read_record(folder / "seeds" / f"seed-{seed}")["final"] for seed in (4, 5, 6)]
    rows = {row["metric"]: row for row in read_csv(folder / "seeds/summary.csv")}
    assert set(rows) == set(finals[0])
    for name, row in rows.items():
        values = [final[name] for final in finals]
        assert float(row["mean"]) == pytest.approx(np.mean(values), rel=1e-12)
        assert float(row["low"]) <= min(float(row["mean"]), float(row["high"]))
        assert row["runs"] == "3"


def test_intervals_of_splits_that_overlap_are_wider(folder: Path) -> None:
    finals = [read_record(folder / "folds" / f"fold-{k}")["final"]["test_loss"] for k in range(4)]
    row = next(row for row in read_csv(folder / "folds/summary.csv") if row["metric"] == "test_loss")
    half = 3.182446305284263 * np.std(finals, ddof=1) * (1 / 4 + 15 / 36) ** 0.5  # 15 tested, 36 trained on
    assert float(row["high"]) - float(row["mean"]) == pytest.approx(half, rel=1e-9)


def test_each_row_is_predicted_by_the_run_that_was_tested_on_it(folder: Path) -> None:
    rows = read_csv(folder / "folds/predictions.csv")
    assert [int(row["row"]) for row in rows] == list(range(60))
    assert list(rows[0]) == ["row", "seed", "fold", "tree", "prediction", "p_ash", "p_birch", "p_cedar"]
    trees = [row["tree"] for row in read_csv(folder / "points.csv")]
    assert [row["tree"] for row in rows] == trees
    for k in range(4):
        own = {row["row"]: row for row in good("predict", f"folds/fold-{k}", "--split", "test", cwd=folder).rows}
        assert {row["row"] for row in rows if row["fold"] == str(k)} == set(own)
        for row in rows:
            if row["fold"] == str(k):
                assert {name: row[name] for name in own[row["row"]]} == own[row["row"]]


def test_the_refit_learns_from_all_rows_for_the_median_of_the_kept_epochs(folder: Path) -> None:
    record = read_record(folder / "folds/refit")
    kept = [read_record(folder / "folds" / f"fold-{k}")["kept"]["epoch"] for k in range(4)]
    assert record["examples"] == {"train": 60}
    assert (record["epochs"], record["kept"]["epoch"]) == (round(median(kept)),) * 2
    assert (folder / "folds/refit/model.safetensors").exists()


def test_overrides_do_not_hold_rows_back_from_the_refit(folder: Path) -> None:
    words = ["data.split.validation=0.3", "keep.name=best", "epochs=2", "--seeds", "2", "--refit", "--run", "all"]
    good("train", "points.yaml", *words, "--quiet", cwd=folder)
    assert read_record(folder / "all/refit")["examples"] == {"train": 60}
    assert read_record(folder / "all/seed-4")["examples"]["validation"] == 18


def test_seeds_and_folds_together_train_each_fold_of_each_seed(folder: Path) -> None:
    result = good(
        *("train", "points.yaml", "--seeds", "2", "--folds", "2", "epochs=1", "--run", "both", "--json", "--quiet"),
        cwd=folder,
    )
    assert result.json["runs"] == ["seed-4-fold-0", "seed-4-fold-1", "seed-5-fold-0", "seed-5-fold-1"]
    assert result.json["run"] == "both"
    assert result.json["metrics"]["test_accuracy"]["runs"] == 4
    rows = read_csv(folder / "both/predictions.csv")
    assert [(row["row"], row["seed"]) for row in rows[:4]] == [("0", "4"), ("0", "5"), ("1", "4"), ("1", "5")]
    record = json.loads((folder / "both/series.json").read_text())
    assert (record["seeds"], record["folds"], len(record["runs"])) == (2, 2, 4)


def test_standard_output_is_the_folder_and_runs_lists_the_members(folder: Path) -> None:
    result = good("train", "points.yaml", "--folds", "2", "epochs=1", "--run", "two", cwd=folder)
    assert result.out == "two\n"
    assert [line.partition(":")[0] for line in result.errors if line.startswith("fold-")] == ["fold-0", "fold-1"]
    listed = good("runs", "two", "--csv", cwd=folder).rows
    assert sorted(row["run"] for row in listed) == ["two/fold-0", "two/fold-1"]


def test_a_run_that_diverges_does_not_stop_the_others(folder: Path) -> None:
    result = bp("train", "points.yaml", "--seeds", "2", "optimizer.learning_rate=1e30", "--run", "wild", cwd=folder)
    assert result.status == 4
    assert result.out == "wild\n"
    assert sorted(path.name for path in (folder / "wild").iterdir() if path.is_dir()) == ["seed-4", "seed-5"]


def test_what_is_wrong_with_the_config_leaves_no_folder(folder: Path) -> None:
    assert bp("train", "points.yaml", "loss=none", "--folds", "3", "--run", "no", cwd=folder).status == 2
    assert bp("train", "points.yaml", "--folds", "90", "--run", "no", cwd=folder).status == 2
    assert not (folder / "no").exists()


def test_a_folder_that_exists_is_refused(folder: Path) -> None:
    result = bp("train", "points.yaml", "--seeds", "2", "--run", "seeds", cwd=folder)
    assert (result.status, result.errors[0]) == (2, "error: seeds: it exists already, and a run is never overwritten")


@pytest.mark.parametrize(
    "options", [("--seeds", "9" * 4000), ("--folds", "10001"), ("--seeds", "200", "--folds", "51")]
)
def test_more_runs_than_a_series_may_have_are_refused_before_anything_is_read(
    folder: Path, options: tuple[str, ...]
) -> None:
    result = bp("train", "absent.yaml", *options, cwd=folder)
    assert result.status == 2
    assert result.errors == [
        "error: command line: more than the 10,000 runs that a series may have",
        "hint: fewer seeds or folds; another series can begin with another seed: seed=N",
    ]


def test_a_refit_needs_a_series(folder: Path) -> None:
    refused(
        *("train", "points.yaml", "--refit"),
        cwd=folder,
        status=2,
        error="command line: --refit goes with --seeds or --folds",
        hint="give one of them",
    )


def test_what_any_run_falls_short_of_is_named_when_all_have_run(folder: Path) -> None:
    words = ("--seeds", "2", "epochs=1", "expect=val_loss < 0", "--run", "short", "--quiet")
    result = bp("train", "points.yaml", *words, cwd=folder)
    assert (result.status, result.out) == (1, "short\n")
    losses = [read_record(folder / "short" / f"seed-{seed}")["final"]["val_loss"] for seed in (4, 5)]
    assert result.errors[::2] == [
        f"error: short/seed-{seed}: expected val_loss < 0, but it is {loss!r}"
        for seed, loss in zip((4, 5), losses, strict=True)
    ]


@pytest.mark.parametrize("how", ["group", "order"])
def test_folds_alone_split_what_a_group_or_an_order_is_for(how: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\n".join(["x,by,y", *(f"{k},{k % 4},{'ab'[k % 3 == 0]}" for k in range(24))]))
    write_config(tmp_path / "t.yaml", f"data: {{path: t.csv, {how}: by}}\nloss: cross_entropy\nepochs: 1\n")
    good("train", "t.yaml", "--folds", "2", "--refit", "--run", "folds", "--quiet", cwd=tmp_path)
    assert {path.name for path in (tmp_path / "folds").iterdir() if path.is_dir()} == {"fold-0", "fold-1", "refit"}


def test_a_refit_that_cannot_be_is_refused_before_anything_is_trained(folder: Path) -> None:
    words = ("--folds", "3", "--refit", "optimizer.schedule=reduce_on_plateau", "--run", "never")
    refused(
        *("train", "points.yaml", *words),
        cwd=folder,
        status=2,
        error="command line: optimizer.schedule=reduce_on_plateau: optimizer.schedule goes by val_loss, "
        "but there is no validation part",
        hint="hold one out with data.split.validation: 0.2, or optimizer.schedule.monitor: loss",
    )


def test_a_refit_for_too_few_epochs_leaves_the_other_runs_as_they_are(folder: Path) -> None:
    words = ("--seeds", "2", "--refit", "epochs=4", "optimizer.schedule={name: warmup, epochs: 2}")
    first = ("keep.monitor=accuracy", "optimizer.learning_rate=1e-30")  # no epoch is better than the first
    result = bp("train", "points.yaml", *words, *first, "--run", "few", "--json", "--quiet", cwd=folder)

    assert result.status == 2
    assert result.json["runs"] == ["seed-4", "seed-5"]
    assert "a warm-up of " in result.errors[0]
    assert not (folder / "few" / "refit").exists()


def test_a_series_warns_as_its_runs_would_alone_and_introduces_itself_once(tmp_path: Path) -> None:
    rows = ["x,y,bad", *(f"{k / 7},1,{'yes' if k % 20 == 0 else 'no'}" for k in range(120))]
    (tmp_path / "rare.csv").write_text("\n".join(rows))
    write_config(tmp_path / "rare.yaml", "data: {path: rare.csv}\nloss: cross_entropy\nepochs: 2\n")
    errors = good("train", "rare.yaml", "--folds", "3", "--run", "rare", cwd=tmp_path).errors
    assert errors[0] == "warning: 1 column constant in training: y"
    assert errors[1].startswith("2-2, 6 parameters; 80 train, 40 test examples")
    decided = "each of the 40 test examples is decided 'no', 2 of them wrongly"
    assert [line.partition(": try")[0] for line in errors if line.startswith("warning: fold")] == [
        f"warning: fold-{k}: {decided}" for k in range(3)
    ]
    assert sum("parameters" in line or "constant" in line for line in errors) == 2
    quiet = good("train", "rare.yaml", "--folds", "3", "--run", "quiet", "--quiet", cwd=tmp_path)
    assert not quiet.err


@pytest.mark.parametrize("command", [["evaluate"], ["predict", "--split", "test"], ["gradcheck"], ["verify"]])
def test_a_series_is_no_run_and_names_its_runs(folder: Path, command: list[str]) -> None:
    refused(
        *(*command, "folds"),
        cwd=folder,
        status=3,
        error="folds: this is a series of runs, each with a model",
        hint="name one of its runs: fold-0, fold-1, fold-2, fold-3, refit; their means are in summary.csv",
    )
