"""Formulas as lists of operations: ``tape`` records them, ``entrywise`` has what floats and recorded numbers share.

So a formula that is shown, or that a choice states, is written once and computed wherever the operations can be read.
"""
