"""Every activation compiles, and gives the reference's numbers: one network with a layer of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bpcli.nn.activations import ACTIVATIONS
from tests.cli.support import good, points, read_tensors, write_config


@pytest.mark.slow
def test_a_network_with_a_layer_of_each_trains_compiled_as_by_the_reference(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    points(tmp_path / "points.csv")
    layers = [f"{{units: 4, activation: {name}}}" for name in ACTIVATIONS if name != "exponential"]
    layers += ["{units: 4, activation: {name: gelu, approximate: tanh}}", "{units: 4, activation: exponential}"]
    config = f"""
        seed: 3
        dtype: float64
        data: {{path: points.csv}}
        network: {{hidden: [{", ".join(layers)}]}}
        loss: cross_entropy
        epochs: 2
        """
    write_config(tmp_path / "all.yaml", config)
    for engine in ("numpy", "numba"):
        good("train", "all.yaml", f"engine={engine}", "--run", engine, cwd=tmp_path)
    one, other = (read_tensors(tmp_path / name / "model.safetensors")[0] for name in ("numpy", "numba"))
    for name, array in one.items():
        np.testing.assert_allclose(array, other[name], rtol=1e-11, atol=1e-13)
