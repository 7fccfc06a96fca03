"""The documentation site, made from ``docs/`` and from the code: ``python -m docs.generate FOLDER``.

``site`` says in which order. ``sources`` gathers the pages; ``commands``, ``keys``, ``choices`` and ``facts`` write
what is to be looked up, from the code itself; ``pictures`` draws the choices; ``blocks`` and ``page_runs`` run the
commands that a page shows, for its pictures and for the tests; ``links`` looks at what Sphinx has made.
"""
