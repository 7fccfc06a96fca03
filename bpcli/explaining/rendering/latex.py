"""An explanation as a LaTeX document that compiles as it stands, with amsmath alone."""

from __future__ import annotations

from bpcli.explaining.documents.steps import DerivationStep
from bpcli.explaining.explained import Explanation
from bpcli.explaining.rendering import mathematics, shared_text
from bpcli.explaining.rendering.mathematics import array, number
from bpcli.explaining.rendering.numbers import MAX_ROWS, shape, shown

PREAMBLE = r"""\documentclass[11pt,a4paper]{article}
\usepackage[utf8]{inputenc}
\usepackage{amsmath,amssymb}
\usepackage[margin=2.2cm]{geometry}
\setlength{\parindent}{0pt}
\setlength{\emergencystretch}{3em}
\setlength{\parskip}{4pt}
\raggedbottom
\setlength{\abovedisplayskip}{4pt plus 2pt}
\setlength{\belowdisplayskip}{6pt plus 2pt}
\setlength{\abovedisplayshortskip}{0pt plus 2pt}
\setlength{\belowdisplayshortskip}{6pt plus 2pt}
\renewcommand{\arraystretch}{1.15}
\newcommand{\step}[3]{\par\medskip\pagebreak[2]\textbf{#1}\hfill{\small #2}#3\nopagebreak}
\newcommand{\entry}[1]{\par{\small\hangindent=2.4em\hangafter=1\hspace*{1.2em}\raggedright #1\par}}
\newcommand{\note}[1]{\par{\small\hangindent=1.2em\hangafter=1$\triangleright$ #1\par}}
"""

ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "^": r"\^{}",
    "~": r"\~{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': "''",
    "§": r"\S{}",
    "×": r"$\times$",
    "…": r"\dots{}",
    "–": r"\textendash{}",
}
"""Text's signs that LaTeX reads as something else, or not at all."""

LATIN = "".join(sign for sign in map(chr, range(0xC0, 0x100)) if sign not in "×÷ÐÞðþ")
"""Letters with accents that every font of LaTeX's can make."""

BREAKS = r"/\allowbreak{}"
"""A slash after which a line may break."""


def render(explained: Explanation) -> str:
    """The whole document."""
    lines = [PREAMBLE, r"\begin{document}", rf"\section*{{{escaped(shared_text.HEADING)}}}"]
    lines.append(" ".join(escaped(line) for line in shared_text.introduction(explained)))
    lines.append(
        rf"\par{{\raggedright Source: {_path(explained.source)}; data: {_path(shared_text.data_file(explained))}\par}}"
    )
    lines += [r"\begin{itemize}", *(rf"\item {prose(line)}" for line in explained.document.conventions)]
    lines += [r"\end{itemize}", *_notation(explained)]
    for place, update in enumerate(explained.updates):
        lines.append(rf"\section*{{{escaped(shared_text.update_heading(explained, place))}}}")
        for title, steps in shared_text.stages(update):
            lines.append(rf"\subsection*{{{title}}}")
            for step in steps:
                lines += _step(step, explained.digits)
        lines.append(rf"\subsection*{{{shared_text.AFTERWARDS}}}")
        lines.append(
            prose(
                " ".join(shared_text.effect(update, explained.digits)).replace(
                    "∇L · Δθ", r"$\nabla L \cdot \Delta \theta$"
                )
            )
        )
        if update.omitted:
            lines += [rf"\subsection*{{{shared_text.OMITTED}}}", r"\begin{itemize}"]
            lines += [*(rf"\item {prose(line)}" for line in update.omitted), r"\end{itemize}"]
    return "\n".join([*lines, r"\end{document}"]) + "\n"


def _path(name: str) -> str:
    """A file's name, which may break after a slash."""
    return rf"\texttt{{{BREAKS.join(escaped(name).split('/'))}}}"


def _notation(explained: Explanation) -> list[str]:
    rows = [rf"${symbol}$ & {prose(meaning)} \\" for symbol, meaning in explained.document.notation]
    return [r"\begin{tabular}{@{}ll@{}}", *rows, r"\end{tabular}"]


def _step(step: DerivationStep, digits: int) -> list[str]:
    runs = [f"{kind} ${run}$" for kind, run in shared_text.runs(step)]
    size = [escaped(shape(step.value))] if step.value.ndim else []
    about = [*size, *runs, *shared_text.agreement(step)]
    part = shown(step.value, digits) if step.value.ndim else None
    value = number(float(step.value), digits) if part is None else array(part)
    value += _names(step)
    below = rf"\\*{{\small {', '.join(about)}}}" if about else ""
    lines = [rf"\step{{{prose(shared_text.title(step))}}}{{{prose(step.reference)}}}{{{below}}}"]
    if step.formula:
        first, *more = step.sides
        sides = [rf"{step.symbol} &{step.relation} {first} \\", *(rf"&= {side} \\" for side in more)]
        lines += [r"\begin{align*}", *sides, f"&= {value}", r"\end{align*}"]
    else:
        lines += [r"\[", f"{step.symbol} = {value}", r"\]"]
    if part is not None and part.remark:
        lines.append(rf"{{\small {escaped(part.remark)}}}")
    lines += _arithmetic(step)
    return lines + [rf"\note{{{prose(note)}}}" for note in step.notes]


def _names(step: DerivationStep) -> str:
    """The names of the rows that are shown, in a column beside the matrix."""
    if not step.names:
        return ""
    rows = [rf"\text{{{escaped(name)}}}" for name in step.names[:MAX_ROWS]]
    return r"\;\begin{array}{l}" + r" \cr ".join(rows) + r"\end{array}"


def _arithmetic(step: DerivationStep) -> list[str]:
    """The entries written out, in small type, each on a line that may break."""
    if step.arithmetic is None:
        return []
    lines = [rf"\entry{{${mathematics.line(one)}$}}" for one in step.arithmetic.lines]
    more = shared_text.left_out(step.arithmetic)
    return [*lines, *([rf"\entry{{{escaped(more)}}}"] if more else [])]


def prose(line: str) -> str:
    """A sentence with markup between dollar signs."""
    parts = line.split("$")
    return "".join(f"${part}$" if place % 2 else escaped(part) for place, part in enumerate(parts))


def escaped(line: str) -> str:
    """Text as LaTeX reads it; a sign that the fonts lack as its code point, two hyphens kept from becoming a dash."""
    return "".join(_sign(sign) for sign in line).replace("--", "-{}-")


def _sign(sign: str) -> str:
    if sign in ESCAPES:
        return ESCAPES[sign]
    if (sign.isascii() and sign.isprintable()) or sign in LATIN:
        return sign
    return f"[U+{ord(sign):04X}]"
