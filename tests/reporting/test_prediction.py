"""The table of predictions: the same text whatever its pieces."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpcli.data.loading import Part
from bpcli.errors import DataError
from bpcli.reporting import prediction
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
    monkeypatch.setattr("bpcli.training.inference.EXAMPLES_PER_PASS", 16)
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
