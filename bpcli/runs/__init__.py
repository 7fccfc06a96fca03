"""Runs: their folders, their model files, their execution, and what is read back from them.

``execution`` turns an experiment into a finished run folder, event by event;
``folder`` creates run folders and writes their files; ``model_file`` saves and loads
a trained model; ``assessment`` measures one; ``reopen`` opens a run again, with the
data that it was trained on; ``comparison`` reads many runs and ranks them.
"""
