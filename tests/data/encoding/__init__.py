"""Tests of bpcli.data.encoding."""
