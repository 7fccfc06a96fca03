"""Runs: their folders, their model files, their execution, and what is read back from them.

Reading order: ``execution`` turns an experiment into a finished run folder, event by event; ``folder`` writes its
files, of which ``record``, ``epoch_rows``, ``model_file``, ``checkpoint`` and ``split_file`` know one kind each.
``resuming`` goes on with a run, ``verification`` trains it again and compares, ``reopen`` opens it with the data that
it was trained on; ``series`` and ``comparison`` read many.
"""
