# SPDX-License-Identifier: LGPL-2.1-or-later
"""For all Python tests: no test may hang, and each leaves the switch interval as it was."""

import gc
import sys

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(60))


@pytest.fixture
def frequent_switches():
    """Makes an interpreter with a GIL switch threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def collected():
    """Asserts that objects behind weak references go away when garbage is collected."""

    def check(*references):
        for _ in range(3):
            gc.collect()
        assert [reference() for reference in references] == [None] * len(references)

    return check
