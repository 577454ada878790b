# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the benchmark programs side by side, and says where this library stands."""
