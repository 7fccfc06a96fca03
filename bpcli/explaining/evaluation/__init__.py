"""Equations in markup, evaluated with their indices and shapes checked.

Read ``nodes``, what an equation is made of; ``grammar``, from markup to nodes; ``tensors``, arrays with
named axes; ``vocabulary``, what a document's symbols mean; ``evaluator``, with ``shown``, ``quantities`` and
``slopes``, from which it has values; then ``sheet``, the steps of a derivation one after the other.
"""
