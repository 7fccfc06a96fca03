"""How long the touchable page takes to follow a change: from the change to the layout, in Chromium.

    python -m benchmarks.page [CONFIG …] [KEY=VALUE …]

By default a 4-8-3 network, in every notation. It needs Debian's Chromium and the test extra. Printed are the size of
the page, and of 200 changes the median and the 95th percentile in milliseconds: of a weight, with all that is shown
drawn again and laid out; of a step of the slider.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from bpcli.explaining.explanation import explain
from bpcli.explaining.page import render
from tests.explaining.browser import browser, opened

CONFIG = Path(__file__).parents[1] / "configs" / "document_sigmoid_outputs.yaml"

CHANGES = """(what) => {
  const { state } = bpPage;
  const first = state.data.inputs.theta.first;
  const times = [];
  for (let change = 0; change < 200; change++) {
    const start = performance.now();
    if (what === "weight") bpPage.change(first + (change % 30), String(Math.sin(change)), "a weight", null);
    else bpPage.go(change % state.steps.length);
    document.body.getBoundingClientRect();
    document.querySelector("#drawing svg").getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return times.sort((one, other) => one - other);
}"""


def main(config: Path, changes: list[str]) -> None:
    """Print a line for each notation."""
    html = render(explain(config, changes, None, [0]))
    print(f"{config.name}: {len(html.encode()) / 1000:.0f} kB")
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        file = Path(folder) / "page.html"
        file.write_text(html, encoding="utf-8")
        with opened(chromium, file, viewport={"width": 1920, "height": 1080}) as page:
            for name in page.run("() => Object.keys(bpPage.state.choices.documents)"):
                page.run("(name) => { bpPage.chooseNotation(name); bpPage.goToStage('backward'); }", name)
                figures = (f"{what} {_figures(page.run(CHANGES, what))}" for what in ("weight", "step"))
                print(f"  {name}: {'; '.join(figures)}")


def _figures(times: list[Any]) -> str:
    return f"median {times[len(times) // 2]:.1f} ms, 95 % below {times[int(0.95 * len(times))]:.1f} ms"


if __name__ == "__main__":
    settings = [word for word in sys.argv[1:] if "=" in word]
    configs = [Path(word) for word in sys.argv[1:] if "=" not in word]
    for one in configs or [CONFIG]:
        main(one, settings)
