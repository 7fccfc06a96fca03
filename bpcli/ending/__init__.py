"""How a signal ends the process: by its default action, after what is unfinished was saved or removed.

Reading order: ``signals`` says which ones and ends by them; ``handling`` hears them while there is something to do
first; ``unfinished`` removes files that are not complete; ``notice`` lets long work end early and be saved.
"""
