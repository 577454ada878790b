# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws how long single operations take: a line for each library, from the median to the worst.

Imported only when the measuring is over, as picture.py is.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from .cases import Case
from .latency import SHARES, Latencies
from .picture import COLORS, PEER_COLOR, label_of, save
from .report import plural

MARKS = ("o", "|", "|", "x")
"""Of SHARES."""


def draw_group(axes: Axes, latencies: Latencies, cases: Sequence[Case]) -> None:
    """The best p99.9 first; the scale is logarithmic."""
    finished = [case for case in cases if latencies.figure(case, "max") is not None]
    finished.sort(key=lambda case: latencies.figure(case, "p99.9") or 0)
    for place, case in enumerate(finished):
        times = [max(latencies.figure(case, share) or 0, 1) for share in SHARES]
        color = COLORS.get(case.library.role, PEER_COLOR)
        axes.plot(times, [place] * len(times), color=color, linewidth=1)
        for ns, mark in zip(times, MARKS, strict=True):
            axes.plot(ns, place, marker=mark, color=color, markersize=5)
    axes.set_yticks(range(len(finished)), [label_of(case) for case in finished], fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.tick_params(axis="x", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    workload = cases[0].workload
    axes.set_title(f"{workload.title}, {plural(cases[0].threads)}", fontsize=8, loc="right")
    axes.set_xlabel(f"ns for one {workload.unit}: {', '.join(SHARES)}", fontsize=7)


def draw_latencies(latencies: Latencies, note: str, directory: str) -> list[str]:
    """Saves one picture of each level, as SVG and PNG; returns their paths."""
    levels: dict[str, list[list[Case]]] = {}
    for cases in latencies.groups():
        if any(latencies.figure(case, "max") is not None for case in cases):
            levels.setdefault(cases[0].workload.level, []).append(cases)
    paths = []
    for level, groups in levels.items():
        rows = (len(groups) + 1) // 2
        tallest = max(map(len, groups))
        figure, fields = plt.subplots(
            rows,
            2,
            figsize=(11, rows * (0.17 * tallest + 0.9) + 0.8),
            layout="constrained",
            squeeze=False,
        )
        for axes in fields.flat[len(groups) :]:
            axes.set_visible(False)
        for axes, cases in zip(fields.flat, groups, strict=False):
            draw_group(axes, latencies, cases)
        figure.suptitle(f"{level}: single operations (*: does not do the same job)\n{note}")
        paths += save(figure, os.path.join(directory, f"{level.lower()}-latency"))
    return paths
