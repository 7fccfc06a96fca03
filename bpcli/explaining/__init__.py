"""``bp explain``: what the engine computes on chosen examples, in the standard notation or that of a derivation.

``trace`` holds the engine's arrays of one update; ``documents`` writes them as the
steps of a notation; ``evaluation`` reads equations, ``derivations`` shows how the chain rule
leads from one step to the next, ``arithmetic`` writes equations out in numbers;
``rendering`` makes text, Markdown, LaTeX or JSON of it; ``explanation`` starts from a config or a run.
"""
