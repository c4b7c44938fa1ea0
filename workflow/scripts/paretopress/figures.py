"""The study's figures, drawn by seaborn on a matplotlib axis and written as SVG and PNG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from .fronts import DENSE

WIDTH, HEIGHT = 7.2, 4.4  # inches
DPI = 160
INFEASIBLE, FEASIBLE, FRONT, DENSE_COLOR = "#c9c9c9", "#6f9fc8", "#c1440e", "#222222"
MANY_METHODS = 8  # more lines than this cannot be told apart: the convergence of each family is drawn instead


def new_figure(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "paretopress"  # the same figure is the same file
    sns.set_theme(style="whitegrid", context="notebook", font_scale=0.85)
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def save(figure: Figure, paths: Sequence[str]) -> None:
    for path in paths:
        metadata = {"Date": None} if Path(path).suffix == ".svg" else None
        figure.savefig(path, dpi=DPI, metadata=metadata, bbox_inches="tight", pad_inches=0.08)


def _percent(axis: matplotlib.axis.Axis) -> None:
    axis.set_major_formatter(PercentFormatter(xmax=1))


def _join_test_images(axis: Axes, test: pd.DataFrame) -> None:
    """A hollow marker where each network lies on the test images, joined to where the search saw it."""
    axis.vlines(test["nonzero_rate"], test["accuracy"], test["test_accuracy"], color=DENSE_COLOR, linewidth=0.7, alpha=0.6, zorder=5)
    for dense, marker, size, color, label in ((False, "o", 80, FRONT, "on test images"), (True, "*", 230, DENSE_COLOR, None)):
        part = test[(test["design_id"] == DENSE) == dense]
        axis.scatter(
            part["nonzero_rate"], part["test_accuracy"], marker=marker, s=size, facecolor="none", edgecolor=color, label=label, zorder=6
        )


def draw_front(
    evaluations: pd.DataFrame, front: pd.DataFrame, test: pd.DataFrame, split: str, thresholds: Mapping[str, float], network: str
) -> Figure:
    """Every evaluated design, the union front, the dense network, the accuracy floor; the front on the test images where these are others.

    The axis of accuracy is cut below the floor: designs far under it only show that they failed. split: the images of the
    search; thresholds: tau by split; test: the front's accuracies on the test images.
    """
    figure, axis = new_figure()
    threshold = thresholds[split]
    unseen = test if split != "test" else test.iloc[:0]
    dense = front[front["design_id"] == DENSE].iloc[0]
    found = front[front["design_id"] != DENSE]
    designs = evaluations.drop_duplicates("design_id")
    top = max(dense["accuracy"], designs["accuracy"].max(), threshold)
    keeping = max(dense["accuracy"], designs["accuracy"].max()) > threshold
    lowest = threshold - 1.2 * (top - threshold) if keeping else designs["accuracy"].min() - 0.02
    lowest = min([lowest, *(unseen["test_accuracy"] - 0.005)])
    top = max([top, *unseen["test_accuracy"]])
    shown = designs[designs["accuracy"] >= lowest]
    hidden = len(designs) - len(shown)
    for feasible, color, label in ((False, INFEASIBLE, "under the floor"), (True, FEASIBLE, "keeps the floor")):
        part = shown[shown["feasible"] == feasible]
        sns.scatterplot(x=part["nonzero_rate"], y=part["accuracy"], color=color, s=22, linewidth=0, label=f"{label} ({len(part)})", ax=axis)
    axis.step(found["nonzero_rate"], found["accuracy"], where="post", color=FRONT, linewidth=1.2)
    sns.scatterplot(x=found["nonzero_rate"], y=found["accuracy"], color=FRONT, s=46, label=f"front ({len(found)})", ax=axis, zorder=5)
    axis.scatter([dense["nonzero_rate"]], [dense["accuracy"]], marker="*", s=170, color=DENSE_COLOR, label="dense network", zorder=4)
    axis.axhline(threshold, color=DENSE_COLOR, linewidth=0.9, linestyle="--")
    axis.annotate(
        f"floor {threshold:.1%}", (0.005, threshold), xycoords=("axes fraction", "data"), xytext=(2, 3), textcoords="offset points", size=9
    )
    if len(unseen):
        _join_test_images(axis, unseen)
        if thresholds["test"] != threshold:
            axis.axhline(thresholds["test"], color=DENSE_COLOR, linewidth=0.9, linestyle=":", label="floor on test images")
    axis.set(xlim=(-0.02, 1.04), ylim=(lowest, top + 0.12 * (top - lowest)), xlabel="non-zero weights", ylabel="accuracy")
    axis.set_title(
        f"{network}: {len(designs)} distinct networks evaluated" + (f", {hidden} far under the floor not shown" if hidden else "")
    )
    _percent(axis.xaxis)
    _percent(axis.yaxis)
    axis.legend(loc="lower right", frameon=True, ncols=2)
    return figure


def _family(method: str) -> str:
    return method.split("-")[0]


def method_colors(methods: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """A hue for each method; with many of them, the hue of its family."""
    if len(methods) <= MANY_METHODS:
        return dict(zip(methods, sns.color_palette("deep", len(methods)), strict=True))
    families = list(dict.fromkeys(map(_family, methods)))
    hues = dict(zip(families, sns.color_palette("deep", len(families)), strict=True))
    return {method: hues[_family(method)] for method in methods}


def draw_hypervolumes(final: pd.DataFrame, network: str) -> Figure:
    """A box for each method over its seeds, each run a point."""
    methods = list(dict.fromkeys(final["method"]))
    seeds = final["seed"].nunique()
    figure, axis = new_figure(height=max(2.4, 0.9 + 0.42 * len(methods)))
    colors = method_colors(methods)
    sns.boxplot(
        data=final, x="hypervolume", y="method", order=methods, hue="method", hue_order=methods, palette=colors, ax=axis,
        width=0.55, linewidth=1, fliersize=0, boxprops={"alpha": 0.7},
    )  # fmt: skip
    sns.stripplot(data=final, x="hypervolume", y="method", order=methods, color=DENSE_COLOR, size=4.5, jitter=False, ax=axis)
    axis.set(xlabel="hypervolume, reference (non-zero rate 1, accuracy floor), larger is better", ylabel="")
    axis.set_title(f"{network}: final hypervolume over {seeds} {'seed' if seeds == 1 else 'seeds'}")
    return figure


def draw_convergence(history: pd.DataFrame, initial: int, network: str) -> Figure:
    """Hypervolume against evaluations: the median over seeds (the boxes show their spread).

    initial: evaluations of the shared initial sample; the first half of them is not shown.
    """
    history = history[history["evaluation"] >= initial // 2]
    methods = list(dict.fromkeys(history["method"]))
    grouped = len(methods) > MANY_METHODS
    figure, axis = new_figure(width=WIDTH + 1.6)
    data = history.assign(line=history["method"].map(_family)) if grouped else history.assign(line=history["method"])
    lines = list(dict.fromkeys(data["line"]))
    sns.lineplot(
        data=data, x="evaluation", y="hypervolume", hue="line", hue_order=lines, style="line", style_order=lines, ax=axis,
        palette=method_colors(lines), estimator=np.median, errorbar=None, linewidth=1.8,
    )  # fmt: skip
    axis.axvline(initial, color=DENSE_COLOR, linewidth=0.9, linestyle="--")
    axis.annotate(
        "initial sample ends", (initial, 0.96), xycoords=("data", "axes fraction"), xytext=(3, 2), textcoords="offset points", size=9
    )
    axis.set(xlabel="true evaluations", ylabel="hypervolume", xlim=(history["evaluation"].min(), history["evaluation"].max()))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    unit = "methods and seeds of each family" if grouped else "seeds"
    axis.set_title(f"{network}: median over {unit}")
    axis.legend(title="", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def draw_inference(times: pd.DataFrame, network: str) -> Figure:
    """Seconds for all test images (median, bar from quartile to quartile) over non-zero rate, int8 networks marked; the dense network."""
    figure, axis = new_figure()
    dense = times[times["design_id"] == DENSE].iloc[0]
    found = times[times["design_id"] != DENSE]
    axis.axhline(dense["median_seconds"], color=DENSE_COLOR, linewidth=0.9, linestyle="--")
    for rows, marker, size, color, label in (
        (found[found["quantization"] == 0], "o", 7, FEASIBLE, "float32"),
        (found[found["quantization"] == 1], "s", 7, FRONT, "int8 Linear layers"),
        (times[times["design_id"] == DENSE], "*", 14, DENSE_COLOR, "dense network"),
    ):
        if rows.empty:
            continue
        middle = rows["median_seconds"]
        bars = [middle - rows["lower_quartile_seconds"], rows["upper_quartile_seconds"] - middle]
        axis.errorbar(
            rows["nonzero_rate"], middle, yerr=bars, linestyle="", marker=marker, markersize=size, color=color, label=label, capsize=3
        )
    threads = f"{dense['threads']} {'thread' if dense['threads'] == 1 else 'threads'}"
    axis.set(xlim=(-0.02, 1.04), ylim=(0, 1.3 * times["upper_quartile_seconds"].max()), xlabel="non-zero weights")
    axis.set(ylabel=f"seconds for {dense['images']:,} images")
    axis.set_title(f"{network}: inference time, {threads}, batches of {dense['batch_size']}")
    _percent(axis.xaxis)
    axis.legend(loc="lower right", frameon=True)
    return figure
