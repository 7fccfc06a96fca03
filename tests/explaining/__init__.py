"""``bp explain``: the trace, the documents' steps recomputed, the four formats."""

import pytest

pytest.register_assert_rewrite("tests.explaining.support", "tests.explaining.recompute")
