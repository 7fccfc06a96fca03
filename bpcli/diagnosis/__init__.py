"""The doctor: is a long training of a config worth while, and if not, why.

Reading order: ``findings`` is what a check gives; ``table`` is a sample of the file's columns, ``rehearsal`` a short
training; ``checks`` lists what is looked at in each, and ``gravest`` is what every training says by itself.
"""
