"""Several processes that train one network together: started by a launcher of MPI, on one host or many.

Reading order: :mod:`bpcli.launcher` says whether there are any; ``group`` is what a command knows of them; ``launched``
connects and ends them, after ``starting`` has started MPI. ``exchange`` has what training exchanges, over MPI and in
memory that a ``host`` has in common: ``sums`` of gradients above all, for which ``collecting`` says what a rank shows
and sends, ``messages`` carry it, and ``beside`` lets them move while it computes; ``reading`` has what ranks exchange
that load data, and ``values`` are small ones. ``wire`` is a connection beside MPI, to the ``addresses`` of a host;
``connections`` hears all of a rank's, by which ``watch`` sees that a ``rank`` is lost. ``answers`` are what rank 0
hears of the others: one has failed, by a ``failure``, or is ready, with ``differences`` or without. ``common_end`` ends
all. ``parents`` says whether there is still a launcher.
"""
