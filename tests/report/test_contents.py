"""What a report says, against the run that it is about."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bpcli.errors import DataError
from bpcli.figures.figure import Figure
from bpcli.figures.kinds.curves import curves_of
from bpcli.figures.plotted_run import PlottedRun
from bpcli.report import ranked_runs, report_of
from bpcli.report.contents import Code, Facts, Pictures, Report, Text, Thumbnail
from bpcli.report.wording import number, percent
from bpcli.reporting.bootstrap import bootstrap
from bpcli.reporting.finite import prediction_columns
from bpcli.runs.comparison import RecordedRun, find_runs
from bpcli.training.inference import outputs
from tests.cli.support import good, line, points, read_csv, read_record, write_config, write_record, write_table
from tests.report.support import flat, tables, trained

NUMBERS = """
    data: {path: line.csv, target: [y, z], split: {validation: 0.2, test: 0.3}}
    loss: {name: quantile, levels: [0.1, 0.5, 0.9]}
    epochs: 3
"""

LABELS = """
    data: {path: labels.csv, target: [wet, cold], split: {test: 0.4}, types: {day: date}}
    loss: binary_cross_entropy
    epochs: 2
"""


def facts(report: Report) -> dict[str, str]:
    blocks = [block for section in report.sections for block in flat(section.blocks)]
    return {term: text for block in blocks if isinstance(block, Facts) for term, text in block.pairs}


def texts(report: Report) -> str:
    return "\n".join(one.text for section in report.sections for one in flat(section.blocks) if isinstance(one, Text))


def column(report: Report, caption: str, name: str) -> Sequence[Any]:
    table = tables(report)[caption]
    return [row[list(table.header).index(name)] for row in table.rows]


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    """A run of three classes, and its report."""
    folder = tmp_path_factory.mktemp("classes")
    points(folder / "points.csv", 90)
    config = write_config(
        folder / "points.yaml",
        """
        data: {path: points.csv, split: {validation: 0.2, test: 0.3}}
        network: {hidden: [4]}
        loss: cross_entropy
        penalties: [{name: l2, strength: 0.01}]
        early_stopping: 9
        epochs: 5
        """,
    )
    run = trained(config, folder / "run")
    return run, report_of(run)


def test_sections_come_in_the_order_of_their_reading(classes: tuple[Path, Report]) -> None:
    _, report = classes
    assert [section.name for section in report.sections] == [
        *("asked", "results", "training", "worst", "importance", "data", "repeat"),
    ]
    assert report.title == "Run run"
    assert report.lead == "A network of 2–4–3 units, trained for 5 epochs: completed."


def test_what_was_asked_is_said_in_words(classes: tuple[Path, Report]) -> None:
    said = facts(classes[1])
    assert said["Task"] == "tell 3 classes of tree apart: ash, birch, cedar"
    assert said["Examples"] == ("45 to train on, 18 to validate, 27 to test; from points.csv; split at random")
    assert said["Network"] == "layers of 2–4–3 units; activations relu, softmax; 27 parameters"
    assert said["Loss"] == "cross_entropy (outputs sum, examples mean); penalties l2 (strength 0.01, per_example False)"
    assert "an update after each 32 examples; ends early" not in said["Training"]
    assert "ends early: monitor val_loss, patience 9, min_delta 0" in said["Training"]
    assert said["Kept"].startswith("epoch 5, the best by val_loss; trained 5 epochs; ended: completed")


def test_metrics_have_the_values_of_the_run_and_the_intervals_of_the_bootstrap(classes: tuple[Path, Report]) -> None:
    folder, report = classes
    evaluation, final = PlottedRun(folder).evaluation, read_record(folder)["final"]
    bounds = bootstrap(evaluation.outputs, evaluation.picked, 0).bounds["accuracy"]
    values = dict(zip(column(report, "Metrics", "metric"), column(report, "Metrics", "value"), strict=True))
    assert values == {"loss": number(final["test_loss"]), "accuracy": percent(final["test_accuracy"])}
    interval = f"{percent(bounds.low)} to {percent(bounds.high)}"
    assert column(report, "Metrics", "95 % interval") == ["–", interval]
    assert report.headline is not None
    assert (report.headline.value, report.headline.what) == (
        percent(final["test_accuracy"]),
        f"accuracy on 27 test examples; 95 % interval {interval}",
    )
    assert report.headline.against == "Always answering ash would be right for 33.3 %."
    assert "1,000 samples of 27 examples" in texts(report)
    every = {*column(report, "Other metrics", "metric")}
    assert every == {*evaluation.metrics} - {"accuracy"}


def test_the_worst_examples_are_the_rows_with_the_largest_loss(classes: tuple[Path, Report]) -> None:
    folder, report = classes
    run, file = PlottedRun(folder), read_csv(folder.parent / "points.csv")
    A = outputs(run.model.network, run.model.parameters, run.part.features)
    names = ["ash", "birch", "cedar"]
    true = [names.index(file[row]["tree"]) for row in run.part.rows]
    loss = -np.log(A[true, np.arange(run.part.size)])
    worst = np.argsort(-loss)[:8]
    caption = "The examples with the largest loss"
    assert column(report, caption, "row") == [str(run.part.rows[k]) for k in worst]
    assert column(report, caption, "true") == [names[true[k]] for k in worst]
    assert column(report, caption, "said") == [names[A[:, k].argmax()] for k in worst]
    wrong = sum(true[k] != A[:, k].argmax() for k in worst)
    assert f"{wrong} of these 8 are decided wrongly" in texts(report)
    assert column(report, caption, "how sure") == [number(A[:, k].max(), 3) for k in worst]
    assert column(report, caption, "sure of the truth") == [number(A[true[k], k], 3) for k in worst]
    assert column(report, caption, "loss") == [number(loss[k]) for k in worst]
    assert [float(str(cell)) for cell in column(report, caption, "x")] == pytest.approx(
        [float(file[run.part.rows[k]]["x"]) for k in worst], rel=1e-4
    )


def test_columns_say_what_became_of_them(classes: tuple[Path, Report]) -> None:
    folder, report = classes
    caption = "Columns of the file, and what became of them"
    assert {*column(report, caption, "column")} == {"tree", "x", "y"}
    x = np.array([float(row["x"]) for row in read_csv(folder.parent / "points.csv")])
    place = column(report, caption, "column").index("x")
    assert column(report, caption, "values")[place] == f"{number(x.min())} to {number(x.max())}"
    inputs = {one.column: one for one in PlottedRun(folder).model.features.inputs}
    shift, width = inputs["x"].shift, inputs["x"].width
    assert shift is not None
    sign = "−" if shift > 0 else "+"
    assert column(report, caption, "the network gets")[place] == f"(x {sign} {number(abs(shift))}) / {number(width)}"
    assert tables(report)["Examples of each class"].rows == [
        ["training", "15", "15", "15"],
        ["validation", "6", "6", "6"],
        ["test", "9", "9", "9"],
    ]


def test_how_to_repeat_it_has_commands_hashes_and_the_config(classes: tuple[Path, Report]) -> None:
    folder, report = classes
    record = read_record(folder)
    codes = [block for section in report.sections for block in flat(section.blocks) if isinstance(block, Code)]
    assert codes[0].lines[0] == f"bp verify {folder}"
    assert "\n".join(codes[1].lines) == (folder / "config.yaml").read_text(encoding="utf-8").rstrip("\n")
    hashes = {*column(report, "Files, and the SHA-256 of their bytes", "SHA-256")}
    assert hashes == {*record["data"].values(), record["config"]}
    assert f"NumPy {record['numpy']}" in facts(report)["Versions"]


def test_quantiles_of_several_targets_stand_by_their_targets(tmp_path: Path) -> None:
    line(tmp_path / "line.csv")
    run = trained(write_config(tmp_path / "line.yaml", NUMBERS), tmp_path / "run")
    report, opened = report_of(run), PlottedRun(run)
    caption = "The examples with the largest loss"
    model = opened.model
    columns = prediction_columns(model, outputs(model.network, model.parameters, opened.part.features))
    places = [list(opened.part.rows).index(int(str(row))) for row in column(report, caption, "row")]
    for name in ("y", "z"):
        levels = [columns[f"prediction_{name}_q{level}"] for level in (0.1, 0.5, 0.9)]
        said = [" … ".join(number(float(level[place]), 5) for level in levels) for place in places]
        assert column(report, caption, f"said {name}") == said
        file = read_csv(tmp_path / "line.csv")
        true = [float(file[opened.part.rows[place]][name]) for place in places]
        found = [float(str(each).replace("−", "-")) for each in column(report, caption, f"true {name}")]
        assert found == pytest.approx(true, rel=1e-3, abs=1e-3)


def test_labels_that_are_wrong_are_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [[f"2024-01-{1 + k % 28:02}", int(rng.integers(2)), int(rng.integers(2))] for k in range(60)]
    write_table(tmp_path / "labels.csv", ["day", "wet", "cold"], rows)
    report = report_of(trained(write_config(tmp_path / "labels.yaml", LABELS), tmp_path / "run"))
    caption = "The examples with the largest loss"
    pairs = zip(column(report, caption, "true"), column(report, caption, "said"), strict=True)
    wrong = sum(true != said for true, said in pairs)
    assert f"{wrong} of these 8 are decided wrongly" in texts(report)
    for row in tables(report)[caption].rows:
        cells = dict(zip(tables(report)[caption].header, map(str, row), strict=True))
        true, said = ({*cells[key].replace("none", "").split(", ")} - {""} for key in ("true", "said"))
        assert {name.partition(" ")[0] for name in cells["wrong (output)"].split(", ")} - {"none"} == true ^ said
        assert true == {name for name, value in zip(("wet", "cold"), rows[int(cells["row"])][1:], strict=True) if value}
    place = column(report, "Columns of the file, and what became of them", "column").index("day")
    assert column(report, "Columns of the file, and what became of them", "values")[place] == "2024-01-01 to 2024-01-28"


def test_without_its_data_a_run_still_has_a_report(tmp_path: Path) -> None:
    points(tmp_path / "points.csv", 60)
    text = (
        "data: {path: points.csv, split: {test: 0.3}}\nloss: cross_entropy\nexpect: [test_accuracy >= 1.1]\nepochs: 2\n"
    )
    run = trained(write_config(tmp_path / "points.yaml", text), tmp_path / "run")
    assert any("test_accuracy" in warning and "1.1" in warning for warning in report_of(run).warnings)
    points(tmp_path / "points.csv", 60, seed=1)
    report = report_of(run)
    assert [section.name for section in report.sections] == ["asked", "training", "repeat"]
    assert report.headline is None
    assert any("not the run's data" in warning for warning in report.warnings)
    (run / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(DataError):
        report_of(run)


def test_of_many_classes_the_report_says_less(classes: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, whole = classes
    for place in ("bpcli.reporting.evaluation", "bpcli.figures.kinds.confusion"):
        monkeypatch.setattr(f"{place}.MOST_CLASSES", 2)
    monkeypatch.setattr("bpcli.report.results.MOST_CLASSES_KEPT", 2)
    monkeypatch.setattr("bpcli.report.results.MOST_LISTED", 2)
    report = report_of(folder)
    assert {one.name for one in whole.sections} - {one.name for one in report.sections} == {"worst"}
    assert "Of more than 2 classes no intervals are computed." in texts(report)
    assert column(report, "Metrics", "95 % interval") == ["–", "–"]
    assert len(tables(report)["Each class"].rows) == 2


def test_columns_of_a_file_may_be_called_as_those_of_the_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [[*rng.normal(0, 1, 3).tolist(), "ab"[k % 2]] for k in range(40)]
    write_table(tmp_path / "named.csv", ["row", "true", "loss", "said"], rows)
    text = "data: {path: named.csv, split: {test: 0.4}}\nloss: cross_entropy\nepochs: 2\n"
    report = report_of(trained(write_config(tmp_path / "named.yaml", text), tmp_path / "run"))
    table = tables(report)["The examples with the largest loss"]
    own = ["row", "true", "said", "how sure", "sure of the truth", "loss"]
    assert list(table.header[: len(own)]) == own
    assert {*table.header[len(own) :]} == {"row", "true", "loss"}
    place = list(table.header[len(own) :]).index("true") + len(own)
    for row in table.rows:
        assert float(str(row[place]).replace("−", "-")) == pytest.approx(rows[int(str(row[0]))][1], rel=1e-3)


def test_losses_of_examples_are_those_whose_mean_is_the_loss(tmp_path: Path) -> None:
    rows = [[x * 0.3, x * x % 7, -x % 5] for x in range(16)]
    write_table(tmp_path / "two.csv", ["x", "first", "second"], rows)
    text = "data: {path: two.csv, target: [first, second], split: {test: 0.5}}\nloss: half_squared_error\nepochs: 2\n"
    run = trained(write_config(tmp_path / "two.yaml", text), tmp_path / "run")
    report = report_of(run)
    losses = [float(str(cell)) for cell in column(report, "The examples with the largest loss", "loss")]
    assert len(losses) == 8
    assert np.mean(losses) == pytest.approx(read_record(run)["final"]["test_loss"], rel=1e-3)


def test_columns_of_weights_and_groups_are_said_to_be_used(tmp_path: Path) -> None:
    rows = [[place * 0.7 % 1.1, "ab"[place * place % 3 % 2], place // 2, 0.5 + place % 3 / 7, 1] for place in range(40)]
    write_table(tmp_path / "table.csv", ["size", "kind", "family", "weight", "idle"], rows)
    config = write_config(
        tmp_path / "c.yaml",
        "data: {path: table.csv, target: kind, features: [size], group: family, sample_weight: weight, "
        "split: {test: 0.5}}\n"
        "loss: cross_entropy\nepochs: 1\n",
    )
    report = report_of(trained(config, tmp_path / "run"))
    assert "Not used: idle." in texts(report)
    assert "rows of one family together; each counted by its weight" in facts(report)["Examples"]
    each = tables(report)["Each class"]
    assert each.note.startswith("Each example counts by its weight.")
    assert all(len(str(row[1])) <= 6 for row in each.rows)
    test = [0.5 + row % 3 / 7 for row in PlottedRun(tmp_path / "run").part.rows]
    assert sum(float(str(row[1])) for row in each.rows) == pytest.approx(sum(test), abs=0.01)


def test_images_are_shown_as_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"p_{row}_{place}" for row in range(4) for place in range(4)]
    rows = [[*rng.integers(0, 17, 16).tolist(), "ab"[k % 2]] for k in range(50)]
    write_table(tmp_path / "images.csv", [*names, "letter"], rows)
    text = "data: {path: images.csv, split: {test: 0.4}, scale: standard}\nloss: cross_entropy\nepochs: 2\n"
    report = report_of(trained(write_config(tmp_path / "images.yaml", text), tmp_path / "run"))
    images = column(report, "The examples with the largest loss", "image")
    rows_of = [int(str(row)) for row in column(report, "The examples with the largest loss", "row")]
    for row, image in zip(rows_of, images, strict=True):
        assert isinstance(image, Thumbnail)
        shown = [np.array(rows[each][:16]).reshape(4, 4) for each in rows_of]
        share = (np.array(rows[row][:16]).reshape(4, 4) - np.min(shown)) / (np.max(shown) - np.min(shown))
        assert np.abs(image.grey - 255 * (1 - share)).max() <= 1
        assert image.alt == f"the image in row {row}"
    table = tables(report)["Columns of the file, and what became of them"]
    assert [row[0] for row in table.rows] == ["letter", "p_0_0 … p_3_3"]
    assert table.rows[1][1] == "4 × 4 pixels"
    assert table.rows[1][3] == "0 to 16"


def test_a_folder_of_runs_is_compared_best_first(tmp_path: Path) -> None:
    points(tmp_path / "points.csv", 60)
    config = write_config(
        tmp_path / "points.yaml",
        "data: {path: points.csv, split: {validation: 0.2, test: 0.2, seed: 1}}\nloss: cross_entropy\nepochs: 3\n",
    )
    for rate in (0.001, 0.5):
        for seed in (0, 1):
            trained(config, tmp_path / f"all/r{rate}-{seed}", f"optimizer.learning_rate={rate}", f"seed={seed}")
    report = report_of(tmp_path / "all")
    finals = {name: read_record(tmp_path / "all" / name)["final"]["val_accuracy"] for name in names_of(report)}
    assert list(finals.values()) == sorted(finals.values(), reverse=True)
    assert report.lead == "4 runs, which differ in seed, learning_rate."
    assert column(report, "Runs, best first", "learning_rate") == [name[1:].partition("-")[0] for name in finals]
    assert column(report, "Runs, best first", "val_accuracy") == [percent(value) for value in finals.values()]
    means = tables(report)["validation accuracy over runs that differ in seed or fold alone"]
    for label, runs, mean, _ in means.rows:
        prefix = f"r{str(label).removeprefix('learning_rate ')}-"
        of = [value for name, value in finals.items() if name.startswith(prefix)]
        assert (runs, mean) == ("2", percent(float(np.mean(of))))
    spread = {row[0]: row[2:] for row in tables(report)["Final metrics over the runs"].rows}
    every = sorted(finals.values())
    assert spread["val_accuracy"] == [percent(value) for value in (every[0], float(np.median(every)), every[-1])]
    shutil.copytree(tmp_path / "all/r0.5-0", tmp_path / "all/copied")
    means = tables(report_of(tmp_path / "all"))["validation accuracy over runs that differ in seed or fold alone"]
    assert [row[1] for row in means.rows] == ["2", "2"]
    assert report.headline is not None
    shutil.copyfile(tmp_path / "points.csv", tmp_path / "again.csv")
    trained(config, tmp_path / "all/again", f"data.path={tmp_path / 'again.csv'}")
    assert report_of(tmp_path / "all").headline is not None
    points(tmp_path / "other.csv", 50)
    trained(config, tmp_path / "all/other", f"data.path={tmp_path / 'other.csv'}")
    report = report_of(tmp_path / "all")
    assert report.headline is None
    assert report.warnings == [
        "The runs are of different data or targets: only results on the same data can be compared."
    ]
    many = find_runs(tmp_path / "all")[0] * 3
    (pictures,) = ranked_runs.training(many).blocks
    assert isinstance(pictures, Pictures)
    assert sum(map(int, re.findall(r": (\d+) runs, a line", pictures.pictures[0].caption))) == len(many) > 8
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no runs"):
        report_of(tmp_path / "none")


def names_of(report: Report) -> list[str]:
    return [str(name) for name in column(report, "Runs, best first", "run")]


def test_a_series_has_the_means_of_its_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def drawing(runs: Sequence[RecordedRun]) -> Figure:
        drawn.extend(run.folder.name for run in runs)
        return curves_of(runs)

    monkeypatch.setattr(ranked_runs, "curves_of", drawing)
    points(tmp_path / "points.csv", 60)
    write_config(tmp_path / "points.yaml", "data: {path: points.csv}\nloss: cross_entropy\nepochs: 2\n")
    good("train", "points.yaml", "--folds", "3", "--refit", "--run", "series", "--quiet", cwd=tmp_path)
    report = report_of(tmp_path / "series")
    with (tmp_path / "series/summary.csv").open(encoding="utf-8") as file:
        summary = {row["metric"]: row for row in csv.DictReader(file)}
    mean = float(summary["test_accuracy"]["mean"])
    assert report.headline is not None
    assert report.headline.value == percent(mean)
    assert report.lead == (
        "One config, trained with 3 folds, each tested in turn; "
        "then a run on all rows, for the median of the best epochs."
    )
    means = {row[0]: row[2] for row in tables(report)["Means over the runs"].rows}
    assert {*means} == {*summary}
    assert means["test_accuracy"] == percent(mean)
    assert {*names_of(report)} == {"fold-0", "fold-1", "fold-2"}
    assert drawn == names_of(report)
    assert "Kept" not in facts(report)


def test_what_a_report_goes_by_is_checked_where_the_record_is_read(
    classes: tuple[Path, Report], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(classes[0], folder)
    record = read_record(folder)
    for key in ("layers", "parameters", "shards", "notes", "compiler"):
        for odd in (None, "x", [None], {"a": 1}, True):
            write_record(folder, {**record, key: odd})
            with pytest.raises(DataError, match=f"malformed: .*{key}"):
                report_of(folder)
    write_record(folder, {**record, "notes": ["\udcff.csv has changed"]})
    assert "\udcff.csv has changed" in report_of(folder).warnings
