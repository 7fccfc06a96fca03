"""Pictures of runs: the kinds by name, from opened runs to plain figures, and figures drawn in a terminal or a file.

In the order of reading: ``figure`` (what a picture is), ``kinds/`` (which there are), ``drawing`` and ``terminal``
(how they are drawn).
"""

from __future__ import annotations

from bpcli.figures.kinds.confusion import Confusion
from bpcli.figures.kinds.curves import Curves
from bpcli.figures.kinds.protocol import Kind

KINDS: dict[str, type[Kind]] = {
    "curves": Curves,
    "confusion": Confusion,
}
"""The kinds of pictures by name, the first by default."""
