"""The competitors, one process each: ``protocol`` is what they have in common."""
