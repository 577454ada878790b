# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws ns per operation by threads, ours and peers, a field for each workload.

Imported only when the measuring is over: importing a plotting library may load an extension module
that switches the GIL of a free-threaded Python on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")  # files only: no window, no display

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .cases import FLOOR, OURS, Case
from .report import plural, workloads_of
from .rounds import Results

plt.rcParams["svg.fonttype"] = "none"  # text stays text in the SVG
plt.rcParams["svg.hashsalt"] = "libconcurrency"  # the same picture for the same figures

MOST_SHOWN = 9
COLORS = {OURS: "#0b5fa5", FLOOR: "#bbbbbb"}
PEER_COLOR = "#d9a441"


def label_of(case: Case) -> str:
    """A library, with a star if it does another job."""
    return case.library.name + ("*" if case.library.differs else "")


def chosen(results: Results, group: Sequence[Case]) -> list[Case]:
    """What is shown, the fastest first: all of ours, and the fastest of the others."""
    finished = [case for case in group if results.median(case)]
    finished.sort(key=lambda case: results.median(case) or 0)
    others = [case for case in finished if case.library.role != OURS]
    shown = others[: MOST_SHOWN - (len(finished) - len(others))]
    return [case for case in finished if case.library.role == OURS or case in shown]


def draw_group(axes: Axes, results: Results, group: Sequence[Case]) -> None:
    """Horizontal bars; what takes ten times as long as ours is cut off and says so."""
    cases = chosen(results, group)
    times = [results.median(case) or 0 for case in cases]
    ours = [t for t, case in zip(times, cases, strict=True) if case.library.role == OURS]
    limit = 4 * max(ours, default=max(times))
    limit = min(limit, 1.25 * max(times))
    for place, (case, ns) in enumerate(zip(cases, times, strict=True)):
        axes.barh(place, min(ns, limit), color=COLORS.get(case.library.role, PEER_COLOR))
        figure = f"{ns:.1f}" if ns < 100 else f"{ns:,.0f}"
        inside = ns > 0.8 * limit
        axes.annotate(
            figure,
            (min(ns, limit), place),
            xytext=(-3 if inside else 3, 0),
            textcoords="offset points",
            ha="right" if inside else "left",
            va="center",
            fontsize=7,
        )
    axes.set_yticks(range(len(cases)), [label_of(case) for case in cases], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, limit)
    axes.tick_params(axis="x", labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def draw_workloads(
    results: Results, workloads: Sequence[Sequence[Sequence[Case]]], title: str, note: str
) -> Figure:
    """A row of fields for each workload, a field for each number of threads."""
    columns = max(len(groups) for groups in workloads)
    figure, fields = plt.subplots(
        len(workloads),
        columns,
        figsize=(4.6 * columns, 1.9 * len(workloads) + 0.8),
        layout="constrained",
        squeeze=False,
    )
    for row, groups in zip(fields, workloads, strict=True):
        for axes, group in zip(row, groups, strict=False):
            draw_group(axes, results, group)
            workload = group[0].workload
            axes.set_title(
                f"{workload.title}, {plural(group[0].threads)}", fontsize=8, loc="right"
            )
            axes.set_xlabel(f"ns per {workload.unit} (less is better)", fontsize=7)
        for axes in row[len(groups) :]:
            axes.set_visible(False)
    figure.suptitle(f"{title}\n{note}", fontsize=10)
    return figure


def save(figure: Figure, stem: str) -> list[str]:
    """As SVG and PNG; returns their paths."""
    paths = [f"{stem}.{suffix}" for suffix in ("svg", "png")]
    for path in paths:
        metadata = {"Date": None} if path.endswith(".svg") else None
        figure.savefig(path, dpi=110, metadata=metadata)
    plt.close(figure)
    return paths


def draw(results: Results, note: str, directory: str) -> list[str]:
    """Saves pictures as SVG and PNG, one of each level and kind; returns their paths."""
    sheets: dict[tuple[str, str], list[list[list[Case]]]] = {}
    for groups in workloads_of(results):
        workload = groups[0][0].workload
        shown = [group for group in groups if any(results.median(case) for case in group)]
        kind = "map" if workload.kind == "strings" else workload.kind
        if shown:
            sheets.setdefault((workload.level, kind), []).append(shown)
    paths = []
    for (level, kind), workloads in sheets.items():
        figure = draw_workloads(
            results, workloads, f"{level}: {kind} (*: does not do the same job)", note
        )
        paths += save(figure, os.path.join(directory, f"{level.lower()}-{kind}"))
    return paths
