# SPDX-License-Identifier: LGPL-2.1-or-later
"""A little of fuzz_api.py: whatever is called, and with whatever, only exceptions come out. make fuzz does more."""

import os
import subprocess
import sys

import pytest

PROGRAM = os.path.join(os.path.dirname(__file__), os.pardir, "fuzz_api.py")


@pytest.mark.timeout(400)
def test_calls_of_everything_with_anything_raise_exceptions_and_do_no_harm():
    done = subprocess.run(
        [sys.executable, PROGRAM, "--seed", "1", "--seconds", "2"], capture_output=True, text=True, errors="replace"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing found" in done.stdout
