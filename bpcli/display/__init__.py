"""What a person sees: messages, tables and progress; the only room that imports rich.

Text from files is shown as it is, never interpreted as markup or control characters.
"""

from __future__ import annotations

from bpcli.display.long_work import growing, progress_bar
from bpcli.display.messages import say, say_without_waiting, short_number, warn, warning
from bpcli.display.table_layout import Ranking
from bpcli.display.tables import print_table, table_width
from bpcli.display.training import TrainingDisplay

__all__ = [
    "Ranking",
    "TrainingDisplay",
    "growing",
    "print_table",
    "progress_bar",
    "say",
    "say_without_waiting",
    "short_number",
    "table_width",
    "warn",
    "warning",
]
