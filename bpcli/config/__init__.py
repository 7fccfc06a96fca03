"""From YAML to a checked, resolved configuration.

``document`` reads YAML into nodes that know their file and line; ``overrides``
applies ``KEY=VALUE`` to them; ``reading`` validates the tree by the models of
``schema`` and reports every mistake at its place, in the words of ``wording``.
``resolution`` fills in what the config leaves open, and ``writing`` turns the
result into plain data, which is read as the same config again.

What is known of a key stands in its type: ``sections`` has the markers,
``choice`` makes the keys of a choice from the dataclass that its registry
lists, ``registries`` names the registries, and ``places`` follows the models
along a config's keys. ``rules`` joins several keys.
"""
