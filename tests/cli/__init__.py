"""The commands, as a shell sees them."""

import pytest

pytest.register_assert_rewrite("tests.cli.support")
