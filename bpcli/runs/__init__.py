"""Run folders: the model file, the files of a run, and the comparison of runs.

``model_file`` holds a trained network with all that predicting needs; ``folder``
makes a run's folder and writes it; ``comparison`` reads many and ranks them.
"""
