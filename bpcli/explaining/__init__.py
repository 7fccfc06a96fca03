"""``bp explain``: what the engine computes on chosen examples, in the notation of a derivation.

``trace`` holds the engine's arrays of one update; ``documents`` writes them as the
steps of a derivation; ``rendering`` makes text, Markdown, LaTeX or JSON of those;
``explanation`` starts from a config or a run.
"""
