"""``bp explain``: what the engine computes on chosen examples, in the notation of a derivation.

``trace`` keeps the engine's own arrays of one update; ``documents`` tell it in
their words; ``rendering`` writes that as text, Markdown, LaTeX or JSON;
``explanation`` runs the whole way.
"""
