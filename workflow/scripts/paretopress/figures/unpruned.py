"""The markers of the networks with nothing pruned: the dense network as it is, and repaired."""

from matplotlib.axes import Axes

from ..fronts.union import DENSE
from .style import GREEN, INK, Handle

REPAIRED = "repaired"
REPAIRED_NOTE = " A square is the dense network, repaired as each design is."
# The label, marker, area, colour, edge and layer of each. The white edge shows a star on a square.
UNPRUNED = {
    DENSE: ("dense network", "*", 150, INK, "white", 6),
    REPAIRED: ("dense network, repaired", "s", 130, GREEN, GREEN, 5),
}


def draw_unpruned(axis: Axes, kind: str, size: float, accuracy: float) -> Handle:
    """Draw the dense network.

    Args:
        axis: The panel of a front.
        kind: DENSE or REPAIRED.
        size: Its size on the axis of sizes.
        accuracy: Its accuracy, a fraction.
    """
    label, marker, area, color, edge, layer = UNPRUNED[kind]
    return axis.scatter(
        [size], [accuracy], marker=marker, s=area, color=color, edgecolor=edge,
        label=f"{label} ({accuracy:.1%})", zorder=layer, clip_on=False,
    )  # fmt: skip
