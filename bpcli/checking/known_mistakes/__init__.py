"""What is wrong with these dW and db? First where, then which mistake in a forward or backward pass gives them.

Layers are examined from the output down, to the first whose dW or db is wrong
(``diagnosis``); all layers above it are right. ``locations`` says which of its
entries are wrong. ``wrong_arrays`` puts dW and db side by side and says how far a
``guess`` is from them, ``evidence`` whether it is to be believed; ``sample`` rules most
guesses out early. The guesses come from many places:

- ``wrong_outputs``, ``derivatives`` and ``wrong_errors``: another dZ; ``fitted_errors`` and
  ``fitted_targets``: one with numbers in it; ``wrong_inputs``: another A; ``wrong_forward``:
  another forward pass; ``mistakes`` holds and ``guesses`` multiplies them out;
- ``of_examples``: some of the examples, or all of them with weights;
- ``rearrangements`` and ``entries``: entries at other places, or changed;
- ``rounded_away``: what is smaller than rounding, and so fits anything that cancels;
- ``additions``: something added, such as λ W; ``products``: one factor of dW alone.

``meanings`` says what a constant factor can stand for, ``explanations`` tries it all.
"""
