# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the stateful tests share: hypothesis, how much of it, and comparing two calls.

A test of this kind is a machine: hypothesis calls its rules in sequences of its own devising, on an object of
ours and on a model, and shortens a sequence that fails. The same sequences run each time, unless
CONC_STATEFUL_EXAMPLES says how many others to try (make fuzz).
"""

import os
import tempfile

import pytest

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is missing (PyPI: hypothesis)")

from hypothesis import HealthCheck, settings, strategies  # noqa: E402
from hypothesis.configuration import set_hypothesis_home_dir  # noqa: E402
from hypothesis.stateful import run_state_machine_as_test  # noqa: E402

EXAMPLES = os.environ.get("CONC_STATEFUL_EXAMPLES")

MARKS = [
    pytest.mark.timeout(60 if EXAMPLES is None else 24 * 3600),
    pytest.mark.thread_unsafe(reason="hypothesis and its machines are for one thread"),
]
"""The pytestmark of each file of stateful tests."""

PROFILE = settings(
    max_examples=int(EXAMPLES or 30),
    stateful_step_count=40,
    derandomize=EXAMPLES is None,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)

NUMBERS = strategies.builds(
    lambda border, near: border + near,
    strategies.sampled_from([0, 2**31, 2**32, 2**59, -(2**59), 2**60, 2**61, 2**63, -(2**63), 2**64, 2**70]),
    strategies.integers(-3, 3),
)
"""Around the borders of what is kept in a word and of what is not."""


def run(machine):
    """Runs a machine as a test; whatever hypothesis wants to keep goes away."""
    with tempfile.TemporaryDirectory() as home:
        set_hypothesis_home_dir(home)
        run_state_machine_as_test(machine, settings=PROFILE)


def outcome(function, *args, **names):
    """What a call comes to: its result, or the type of what it raises."""
    try:
        return "result", function(*args, **names)
    except Exception as error:
        return "error", type(error)


def same(ours, theirs):
    """Asserts that two calls came to the same; returns whether they succeeded."""
    assert ours == theirs and type(ours[1]) is type(theirs[1])
    return ours[0] == "result"
