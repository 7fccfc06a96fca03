"""From files to batches.

A file holds one example per row and is read into a :class:`~bpcli.data.files.dataset.Dataset`
(``files``: which kind it is; ``tables`` and ``arrays``: reading that kind; of a
table, ``text`` checks rows, ``cells`` or, where it is large, ``frames`` reads them).
``split`` deals its rows into training, validation and test parts. ``features``
and ``targets`` learn an encoding from the training rows and apply it to any;
``scaling`` is what both share. ``sources`` hand out batches with examples in
columns; ``loading`` runs the whole way. ``notes`` collects what the user should
be told on the way.
"""
