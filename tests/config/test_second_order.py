"""What contradicts a rule of second order is refused when a config loads, with the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from .support import config, mistakes

HALF = "data: {path: t.csv}\nloss: half_squared_error\n"
OTHER_LOSS = "minimises half_squared_error, a sum of squares, and no other loss"
OTHER_CURVATURE = "takes a penalty whose second derivatives are constant, and elastic has others"
SHARDS = "computes its sums in parts of its own, not in 3 shards"

CASES = {
    "another loss": (
        "data: {path: t.csv}\nloss: cross_entropy\noptimizer: {name: levenberg_marquardt, mode: batch}\n",
        f"error: c.yaml:2: optimizer: levenberg_marquardt {OTHER_LOSS}",
        "hint: loss: half_squared_error, or optimizer: lbfgs",
    ),
    "another loss with settings": (
        "data: {path: t.csv}\nloss: {name: huber}\noptimizer: {name: bayesian_regularization, mode: batch}\n",
        f"error: c.yaml:2: optimizer: bayesian_regularization {OTHER_LOSS}",
        "hint: loss: half_squared_error, or optimizer: lbfgs",
    ),
    "another mode": (
        HALF + "optimizer: lbfgs\n",
        "error: c.yaml:3: optimizer: lbfgs takes all examples at once, and mode mini_batch gives it some",
        "hint: mode: batch, or another rule; see bp list optimizers",
    ),
    "a schedule": (
        HALF + "optimizer: {name: lbfgs, mode: batch, schedule: cosine}\n",
        "error: c.yaml:3: optimizer: a schedule changes the learning rate, which the steps of lbfgs do not follow",
        "hint: leave schedule out, or choose another rule",
    ),
    "clipping": (
        HALF + "optimizer: {name: lbfgs, mode: batch, clip: {name: norm, norm: 1.0}}\n",
        "error: c.yaml:3: optimizer: lbfgs needs the gradient as it is, clipped it is no loss's",
        "hint: leave clip out",
    ),
    "shuffling": (
        HALF + "optimizer: {name: lbfgs, mode: batch, shuffle: true}\n",
        "error: c.yaml:3: optimizer: lbfgs takes the examples in the file's order",
        "hint: shuffle: false, or leave it out",
    ),
    "shards": (
        HALF + "shards: 3\noptimizer: {name: levenberg_marquardt, mode: batch}\n",
        f"error: c.yaml:3: optimizer: levenberg_marquardt {SHARDS}",
        "hint: shards: 1",
    ),
    "compiled code": (
        HALF + "engine: numba\noptimizer: {name: lbfgs, mode: batch}\n",
        "error: c.yaml:3: optimizer: lbfgs has no compiled form",
        "hint: engine: numpy, or leave it out",
    ),
    "a penalty with a kink": (
        HALF + "penalties: [l2, l1]\noptimizer: {name: lbfgs, mode: batch}\n",
        "error: c.yaml:3: optimizer: lbfgs needs a loss without kinks, and l1 has one",
        "hint: leave it out, or take another rule",
    ),
    "a penalty that is not quadratic": (
        HALF + "penalties: {name: elastic}\noptimizer: {name: levenberg_marquardt, mode: batch}\n",
        f"error: c.yaml:3: optimizer: levenberg_marquardt {OTHER_CURVATURE}",
        "hint: leave it out, or take another rule",
    ),
    "a second penalty": (
        HALF + "penalties: l2\noptimizer: {name: bayesian_regularization, mode: batch}\n",
        "error: c.yaml:3: optimizer: bayesian_regularization finds the strength of its own penalty, and takes no l2",
        "hint: leave it out, or take another rule",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_contradiction_is_refused_at_its_place_with_the_remedy(case: str, tmp_path: Path) -> None:
    text, error, hint = CASES[case]
    assert mistakes(tmp_path, text) == [error, hint]


def test_a_rule_that_takes_steps_may_have_all_of_it(tmp_path: Path) -> None:
    text = (
        HALF
        + "penalties: [l2, l1]\noptimizer: {name: adam, mode: batch, shuffle: true, clip: {name: norm, norm: 1.0}}\n"
    )
    assert config(tmp_path, text).optimizer.mode == "batch"
