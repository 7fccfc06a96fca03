"""The mathematics: arrays in, arrays out; no file, no YAML, no terminal.

Notation. Examples are columns; layers count from 0 (the inputs) to L.

======  ============  ==========================================================
symbol  shape         meaning
======  ============  ==========================================================
m                     examples in the batch
n_l                   units of layer l; n_0 features, n_L outputs
X       (n_0, m)      inputs, X = A_0
W_l     (n_l, n_l-1)  weights into layer l
b_l     (n_l, 1)      biases of layer l
Z_l     (n_l, m)      pre-activations, Z_l = W_l A_l-1 + b_l
A_l     (n_l, m)      activations, A_l = f_l(Z_l)
Y                     targets, as the loss wants them: (m,) class indices or (n_L, m)
L                     the loss of the batch, a number
dQ      as Q          ∂L/∂Q, for any Q above
θ       (P,)          all parameters: W_1, b_1, W_2, b_2, … in one vector
======  ============  ==========================================================

Reading order:

1. ``activations`` and ``losses``, each forward beside its backward; ``heads``, the
   output activation and the loss as one function of Z, with the ``pairs`` that are shorter;
   ``suitability``, which outputs go with which loss; ``layers``, what a network
   consists of; ``network``, the equations.
2. ``parameters`` and ``workspace``, where the arrays are; ``initializers``.
3. ``loss_sums``, from the terms of batches to the loss; ``tallies``, what outputs add
   up to, and ``metrics``, computed from them.
4. ``transformations``, what is done to the gradient before the update, with the
   choices in ``penalties`` and ``clipping``; ``schedules``, the learning rate of each
   update; ``optimizers``, the update.
5. ``markup``, the language in which choices state their formulas; ``formulas`` and
   ``expressions``, which compute them and their derivatives; ``gradient_check``,
   which compares backward with differences of forward.

Functions with ``out`` write there and return nothing. None of them allocates
memory in proportion to its arrays.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""Real (float32, float64) or, under the complex-step check, complex128."""

IndexArray = NDArray[np.intp]
"""Whole numbers that index an axis."""
