"""Tests of bpcli/ranks."""
