"""From YAML to a checked configuration.

``document`` reads YAML into nodes that know their file and line; ``overrides``
applies ``KEY=VALUE`` to them; ``schema`` says which keys exist, from the very
dataclasses that ``nn`` computes with; ``reading`` joins the three and words every
mistake with its place.
"""
