"""The table of predictions: the same text whatever its pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.data.files.reading import FilePair
from bpcli.data.loading import Part, load_with_encoding
from bpcli.errors import DataError
from bpcli.reporting import prediction
from bpcli.reporting.evaluation import evaluate_model
from bpcli.runs.model_file import model_of
from tests.runs.support import experiment


@pytest.mark.parametrize("rows", [1, 7, 59, 60, 61])
def test_the_size_of_the_pieces_does_not_change_the_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    built = experiment(tmp_path)
    model, path = model_of(built, built.parameters.theta), str(tmp_path / "points.csv")
    whole = "".join(prediction.predict_file(model, path, ["x", "tree"])[0])
    monkeypatch.setattr(prediction, "CELLS_AT_ONCE", 6 * rows + 1)
    pieces = list(prediction.predict_file(model, path, ["x", "tree"])[0])
    assert "".join(pieces) == whole
    assert whole.startswith("x,tree,prediction,p_ash,p_birch,p_cedar\n")
    assert [piece.count("\n") for piece in pieces[1:]] == [min(rows, 60 - start) for start in range(0, 60, rows)]


def test_more_outputs_than_are_kept_give_the_same_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = experiment(tmp_path)
    model, path = model_of(built, built.parameters.theta), str(tmp_path / "points.csv")
    whole = "".join(prediction.predict_file(model, path, [])[0])
    monkeypatch.setattr(prediction, "MOST_OUTPUTS", 0)
    monkeypatch.setattr("bpcli.training.source_passes.EXAMPLES_PER_PASS", 16)
    pieces = list(prediction.predict_file(model, path, [])[0])

    assert [line.split(",")[0] for line in "".join(pieces).splitlines()] == [
        line.split(",")[0] for line in whole.splitlines()
    ]
    assert [piece.count("\n") for piece in pieces] == [1, 16, 16, 16, 12]


def test_file_that_changes_while_many_outputs_are_written_is_refused_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = experiment(tmp_path)
    part, written = built.loaded.parts["train"], list[str]()

    def changed(of: Part) -> None:
        raise DataError("the file changed while it was read")

    monkeypatch.setattr(Part, "require_learned_bytes", changed)
    monkeypatch.setattr(prediction, "MOST_OUTPUTS", 0)
    with pytest.raises(DataError, match="changed"):
        written.extend(prediction.predict_part(model_of(built, built.parameters.theta), part, []))
    assert sum(piece.count("\n") for piece in written) == part.size + 1


OVERFLOWING = "x,y,tree\n0.5,1,ash\n1e38,2,birch\n"


@pytest.mark.parametrize("most", [prediction.MOST_OUTPUTS, 0])
@pytest.mark.parametrize(
    "changes", [[], ["loss=hinge"], ["data.target=y", "data.drop=[tree]", "loss=half_squared_error"]]
)
def test_row_whose_prediction_is_no_number_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[str], most: int
) -> None:
    (tmp_path / "large.csv").write_text(OVERFLOWING)
    built = experiment(tmp_path, "data.scale=none", *changes)
    model = model_of(built, built.parameters.theta * np.float32(1e6))
    monkeypatch.setattr(prediction, "MOST_OUTPUTS", most)
    if not most:
        monkeypatch.setattr("bpcli.training.source_passes.EXAMPLES_PER_PASS", 1)
    with pytest.raises(DataError, match="its prediction is not finite: p") as caught:
        list(prediction.predict_file(model, str(tmp_path / "large.csv"), [])[0])
    assert caught.value.where == f"{tmp_path}/large.csv:3"
    assert "; its largest input, of column 'x', is 1e+38 once scaled" in caught.value.message
    pair = FilePair(str(tmp_path / "large.csv"))
    part, _ = load_with_encoding(pair, model.form, model.features, model.targets, model.dtype)
    for read in (lambda: list(prediction.predict_part(model, part, [])), lambda: evaluate_model(model, part, {})):
        with pytest.raises(DataError, match="its prediction is not finite: p") as caught:
            read()
        assert caught.value.where == f"{tmp_path}/large.csv: row 1"
