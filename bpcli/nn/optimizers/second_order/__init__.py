"""Rules of second order: ``rule`` says what they are; then L-BFGS, Levenberg–Marquardt, and Bayesian regularization.

They work in mode batch and make one iteration an epoch. What a rule keeps from one iteration to the
next is its memory, as for every rule, so a training may be interrupted between any two.
"""
