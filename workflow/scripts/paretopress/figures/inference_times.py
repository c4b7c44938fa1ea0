"""Inference times of the designs of a front."""

import pandas as pd

from ..config.sizes import NONZERO_RATE
from ..fronts.union import DENSE
from ..words import counted
from .size_axis import draw_size_axis, size_label
from .style import BLUE, INK, VERMILLION, Drawing, Handle, legend_below, new_figure, styled


@styled
def draw_inference(
    times: pd.DataFrame,
    network: str,
    front: str = "the union front of all runs",
    size: str = NONZERO_RATE,
) -> Drawing:
    """Draw the seconds that each design takes for all test images, over its size.

    Points are medians and bars go from quartile to quartile. The int8 networks are marked.

    Args:
        times: The inference times of a front's designs, with the dense network's row.
        network: The name of the network.
        front: The name of the front in the caption.
        size: The size that was minimised, a key of `config.sizes.SIZES`.
    """
    figure, axis = new_figure()
    dense = times[times["design_id"] == DENSE].iloc[0]
    found = times[times["design_id"] != DENSE]
    axis.axhline(dense["median_seconds"], color=INK, linewidth=0.9, linestyle="--")
    handles: list[Handle] = []
    for rows, marker, area, color, label in (
        (found[found["quantization"] == 0], "o", 6, BLUE, "float32"),
        (found[found["quantization"] == 1], "s", 6, VERMILLION, "int8 Linear layers"),
        (times[times["design_id"] == DENSE], "*", 12, INK, "dense network"),
    ):
        if len(rows):
            middle = rows["median_seconds"]
            bars = [
                middle - rows["lower_quartile_seconds"],
                rows["upper_quartile_seconds"] - middle,
            ]
            handles.append(
                axis.errorbar(
                    rows[size], middle, yerr=bars, linestyle="", marker=marker,
                    markersize=area, color=color, capsize=3, label=f"{label} ({len(rows)})",
                )
            )  # fmt: skip
    axis.set_ylim(0, 1.12 * times["upper_quartile_seconds"].max())
    axis.set_ylabel(f"seconds for {counted(int(dense['images']), 'image')}")
    draw_size_axis(axis, times[size], size)
    axis.set_xlabel(size_label(size))
    axis.set_title(network)
    legend_below(figure, handles)
    caption = (
        f"Inference time on {network} of {counted(len(found), 'design')} of {front}, and of the "
        f"dense network, for {counted(int(dense['images']), 'test image')} in batches of "
        f"{dense['batch_size']} with {counted(int(dense['threads']), 'thread')}. Points are "
        f"medians and bars are quartiles of n = {counted(int(dense['repeats']), 'pass')} "
        "each. The line is the dense network."
    )
    return Drawing(figure, caption)
