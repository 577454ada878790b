# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws a comparison.

Imported only when the measuring is over: importing a plotting library may load an extension
module that switches the GIL of a free-threaded Python on.
"""

from __future__ import annotations

import os

import matplotlib

matplotlib.use("Agg")  # files only: no window, no display

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from measure import Comparison
from ways import Way

plt.rcParams["svg.fonttype"] = "none"  # text stays text in the SVG


def draw_bars(axes: Axes, comparison: Comparison, way: Way, offset: float, width: float) -> None:
    """One bar of a way in each group, `offset` from its middle, with the speed below it."""
    megabytes = comparison.size / 1e6
    for group, threads in enumerate(comparison.thread_counts):
        seconds = comparison.seconds(way, threads)
        speed = megabytes / seconds.median
        ends = ([speed - megabytes / seconds.most], [megabytes / seconds.least - speed])
        axes.bar(
            group + offset,
            speed,
            width * 0.92,
            color=way.color,
            label=way.name if group == 0 else None,
            hatch=None if way.counts else "///",
            edgecolor="white",
            yerr=ends if len(comparison.rounds) > 1 else None,
            error_kw={"ecolor": "#333333", "elinewidth": 1, "capsize": 2},
        )
        axes.annotate(
            f"{speed:.1f}" if speed < 10 else f"{speed:.0f}",
            (group + offset, 0),
            xytext=(0, -5),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=9,
        )


def draw(comparison: Comparison, title: str, note: str, directory: str) -> list[str]:
    """Saves the picture as PNG and SVG in `directory` and returns their paths.

    A speed, not a time, so that a way that takes ten times as long does not make the others too
    small to compare.
    """
    figure, axes = plt.subplots(figsize=(10, 6.4), layout="constrained")
    threaded = [way for way in comparison.ways if way.threaded]
    width = 0.86 / len(threaded)
    for place, way in enumerate(threaded):
        draw_bars(axes, comparison, way, (place - (len(threaded) - 1) / 2) * width, width)
    for way in comparison.ways:
        if not way.threaded:
            speed = comparison.size / 1e6 / comparison.seconds(way, 1).median
            axes.axhline(
                speed, color=way.color, linestyle="--", linewidth=1.2, label=way.name, zorder=0
            )
    axes.set_xticks(
        range(len(comparison.thread_counts)),
        [f"{n} worker thread{'s' if n > 1 else ''}" for n in comparison.thread_counts],
    )
    axes.tick_params(axis="x", length=0, pad=20)  # the speeds stand above these
    axes.set_ylabel("source text indexed, MB per second of wall clock (more is better)")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", linewidth=0.7)
    axes.set_axisbelow(True)
    figure.suptitle(title, fontsize=13)
    axes.set_title(note, fontsize=9, color="#555555")
    handles, labels = axes.get_legend_handles_labels()
    order = [labels.index(way.name) for way in comparison.ways]
    figure.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="outside lower center",
        ncols=3,
        frameon=False,
    )
    paths = [os.path.join(directory, f"count_identifiers.{kind}") for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=150)
    plt.close(figure)
    return paths
