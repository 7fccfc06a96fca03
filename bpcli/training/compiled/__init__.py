"""The compiled engine: one training step, recorded from the NumPy code itself and compiled by Numba.

Reading order: ``symbols`` stand for arrays and write down what NumPy is asked to
do with them, as ``operations``; ``recording`` runs the reference path on symbols;
``passes`` make the record shorter; ``source`` writes it out as a function;
``kernels`` compiles and keeps it; ``steps`` trains with it.
"""
