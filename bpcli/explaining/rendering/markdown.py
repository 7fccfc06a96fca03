r"""An explanation as Markdown with mathematics between dollar signs, as GitHub renders it.

GitHub reads Markdown before mathematics, so backslashes before punctuation and
pairs of underscores would be lost: rows of matrices end in ``\cr``, and a blank
stands before every underscore, which keeps it from closing an emphasis.
"""

from __future__ import annotations

from bpcli.errors import printable
from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.explained import Explanation
from bpcli.explaining.rendering import shared_text
from bpcli.explaining.rendering.mathematics import array, line, number
from bpcli.explaining.rendering.numbers import shape, shown


def render(explained: Explanation) -> str:
    """The whole document."""
    blocks = [f"# {shared_text.HEADING}", " ".join(shared_text.introduction(explained))]
    blocks.append(f"Source: {_code(explained.source)}; data: {_code(shared_text.data_file(explained))}")
    blocks.append("\n".join(f"- {_prose(line)}" for line in explained.document.conventions))
    rows = [f"| ${_math(symbol)}$ | {_prose(meaning)} |" for symbol, meaning in explained.document.notation]
    blocks.append("\n".join(["| symbol | meaning |", "|---|---|", *rows]))
    for place, update in enumerate(explained.updates):
        blocks.append(f"## {shared_text.update_heading(explained, place)}")
        for title, steps in shared_text.stages(update):
            blocks.append(f"### {title}")
            for step in steps:
                blocks += _step(step, explained.digits)
        blocks += [f"### {shared_text.AFTERWARDS}", " ".join(shared_text.effect(update, explained.digits))]
        if update.omitted:
            blocks += [f"### {shared_text.OMITTED}", "\n".join(f"- {_prose(line)}" for line in update.omitted)]
    return "\n\n".join(blocks) + "\n"


def _step(step: DerivationStep, digits: int) -> list[str]:
    """A heading, the reference and the indices, the equation, its numbers, notes."""
    runs = [f"{kind} ${_math(run)}$" for kind, run in shared_text.runs(step)]
    about = [*([shape(step.value)] if step.value.ndim else []), *runs, *shared_text.agreement(step)]
    indices = [", ".join(about)] if about else []
    blocks = [f"#### {_prose(shared_text.title(step))}", "; ".join([_prose(step.reference), *indices])]
    if step.formula:
        blocks.append(_display(_equation(step)))
    blocks.append(_display(f"{step.symbol} = {_value(step, digits)}"))
    if step.value.ndim and shown(step.value, digits).remark:
        blocks.append(shown(step.value, digits).remark)
    if step.names:
        blocks.append(f"Rows: {', '.join(_code(printable(name)) for name in step.names)}")
    blocks += _arithmetic(step)
    return blocks + [f"> {_prose(note)}" for note in step.notes]


def _arithmetic(step: DerivationStep) -> list[str]:
    """The entries written out, as a list."""
    if step.arithmetic is None:
        return []
    lines = [f"- ${_math(line(one))}$" for one in step.arithmetic.lines]
    more = shared_text.left_out(step.arithmetic)
    return ["\n".join([*lines, *([f"- {more}"] if more else [])])]


def _equation(step: DerivationStep) -> str:
    """The equation; several right sides on lines of their own."""
    if not step.more:
        return step.equation
    first, *more = step.sides
    lines = [f"{step.symbol} &{step.relation} {first}", *(f"&= {side}" for side in more)]
    return r"\begin{aligned} " + r" \cr ".join(lines) + r" \end{aligned}"


def _value(step: DerivationStep, digits: int) -> str:
    return array(shown(step.value, digits)) if step.value.ndim else number(float(step.value), digits)


def _display(markup: str) -> str:
    return f"$$\n{_math(markup)}\n$$"


def _math(markup: str) -> str:
    return markup.replace("\\\\", r"\cr").replace("_", " _").strip()


def _prose(line: str) -> str:
    parts = line.split("$")
    return "$".join(_math(part) if place % 2 else part for place, part in enumerate(parts))


def _code(name: str) -> str:
    """A file's name as code, whatever is in it."""
    fence = "`" * (1 + max((len(run) for run in _runs(name)), default=0))
    blank = " " if "`" in name else ""
    return f"{fence}{blank}{name}{blank}{fence}"


def _runs(name: str) -> list[str]:
    """The runs of backquotes in a name."""
    return [run for run in "".join(sign if sign == "`" else " " for sign in name).split() if run]
