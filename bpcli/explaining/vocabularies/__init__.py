"""What the symbols of each document mean on one network."""

from __future__ import annotations

from bpcli.explaining.vocabularies import binary, biswas, brawer, general, half_squared_error, standard

__all__ = ["binary", "biswas", "brawer", "general", "half_squared_error", "standard"]
