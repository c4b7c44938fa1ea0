"""LAMP: how much each layer loses if one threshold holds for all layers of a kind.

The score of a weight is its square divided by the sum of the squares of those weights of its layer
that are at least as large (Lee, Park, Mo, Ahn and Shin 2021, "Layer-adaptive sparsity for the
magnitude-based pruning", equation 3). Weights of equal magnitude have equal scores, a zero has
score 0. The weights with the lowest scores go first, of equal scores those of the first layer, and
within a layer the first entries.

Within a layer the order of the scores is that of the magnitudes. So the number of weights that each
layer loses says all, and a table of these numbers replaces the weights.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..errors import UserError
from ..jobs.files import written_whole
from .layers import AMOUNTS

BLOCK = 2**22  # weights whose scores are in memory at once, but for equal ones
# Bits of a float64 that a bin of scores leaves out. Bins with the other 26 bits are small enough to
# be sorted, and few enough to be counted.
BIN_SHIFT = 38

ReadMagnitudes = Callable[[], np.ndarray]


def magnitudes_of(tensor: torch.Tensor) -> np.ndarray:
    """The magnitudes of a tensor, flat, in its own memory where numpy has its type."""
    exact = tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
    flat = exact.detach().reshape(-1).numpy()
    return np.abs(flat, out=flat)


def _runs(values: np.ndarray) -> np.ndarray:
    """The first index of each run of equal values."""
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))


def _scores(magnitudes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the distinct scores of a layer from the largest on, and the weights that have each.

    The magnitudes are sorted in place. Each item has the scores of a block of them.
    """
    magnitudes.sort()
    larger, end = 0.0, len(magnitudes)
    while end:
        start = int(np.searchsorted(magnitudes[:end], magnitudes[max(0, end - BLOCK)]))
        block = magnitudes[start:end][::-1]
        first = _runs(block)
        counts = np.diff(first, append=len(block))
        squares = block[first].astype(np.float64) ** 2
        sums = np.cumsum(np.concatenate([[larger], squares * counts]))[1:]
        yield np.divide(squares, sums, out=np.zeros_like(sums), where=sums > 0), counts
        larger, end = sums[-1], start


def _bins(scores: np.ndarray) -> np.ndarray:
    """The bin of each score. Bins have the order of the scores, which are not negative."""
    return scores.view(np.int64) >> BIN_SHIFT


def _summed(keys: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct keys, ascending, and the sum of the counts of each."""
    distinct, places = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(sums, places, counts)
    return distinct, sums


def _read(name: str, read: ReadMagnitudes) -> np.ndarray:
    magnitudes = read()
    if not np.isfinite(magnitudes.max(initial=0)):
        raise UserError(
            f"the layer {name} has weights that are not finite, and so it has no LAMP scores. "
            "Mend its weights, or set search_space.allocation: uniform."
        )
    return magnitudes


def _counted(name: str, read: ReadMagnitudes) -> tuple[np.ndarray, np.ndarray]:
    """The bins of the scores of a layer, and the weights in each."""
    parts = [(_bins(scores), counts) for scores, counts in _scores(_read(name, read))]
    keys, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _summed(keys, counts)


def _within(
    layers: Mapping[str, ReadMagnitudes], marked: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct scores of all layers in the marked bins: bin, layer and weights, in order."""
    found = []
    for number, (name, read) in enumerate(layers.items()):
        for scores, counts in _scores(_read(name, read)):
            inside = np.isin(_bins(scores), marked)
            found.append((scores[inside], np.full(inside.sum(), number), counts[inside]))
    scores, numbers, counts = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((numbers, scores))
    return _bins(scores[order]), numbers[order], counts[order]


def lamp_table(layers: Mapping[str, ReadMagnitudes]) -> np.ndarray:
    """Compute how many weights each layer loses for each amount.

    One layer is in memory at a time, and each is read twice: to count the scores in narrow bins,
    and to sort those scores whose bins the thresholds fall into.

    Args:
        layers: The layers of a kind in their order: a function by name that gives the magnitudes of
            the weights, as an array of its own of shape (entries,).

    Returns:
        int32 of shape (AMOUNTS + 1, layers). The row i has the weights that become zero for the
        amount i / AMOUNTS. Their sum is that share of all weights, rounded.

    Raises:
        UserError: A weight is not finite.

    Example:
        >>> layers = {"wide": lambda: np.array([1.0, 2.0, 3.0]), "narrow": lambda: np.array([0.1])}
        >>> lamp_table(layers)[[0, 5_000, 7_500, 10_000]].tolist()
        [[0, 0], [2, 0], [3, 0], [3, 1]]
    """
    if not layers:
        return np.zeros((AMOUNTS + 1, 0), dtype=np.int32)
    counted = [_counted(name, read) for name, read in layers.items()]
    bins, totals = _summed(*(np.concatenate(part) for part in zip(*counted, strict=True)))
    ends = np.cumsum(totals)
    wanted = np.rint(np.arange(AMOUNTS + 1) / AMOUNTS * ends[-1]).astype(np.int64)
    place = np.searchsorted(ends, wanted)
    below = [
        np.concatenate([[0], np.cumsum(counts)])[np.searchsorted(own, bins[place])]
        for own, counts in counted
    ]
    table = np.stack(below, axis=1)
    inside, numbers, counts = _within(layers, np.unique(bins[place]))
    up_to = np.cumsum(counts)
    first = np.searchsorted(inside, bins[place])
    target = np.concatenate([[0], up_to])[first] + wanted - (ends - totals)[place]
    last = np.searchsorted(up_to, target)
    for row in np.flatnonzero(wanted):
        whole, part = slice(first[row], last[row]), last[row]
        table[row] += np.bincount(numbers[whole], counts[whole], len(layers)).astype(np.int64)
        table[row, numbers[part]] += target[row] - (up_to - counts)[part]
    return table.astype(np.int32)


def save_tables(tables: Mapping[str, np.ndarray], path: Path) -> None:
    """Write the tables of a network, by kind of layer, to a safetensors file."""
    with written_whole(path) as temporary:
        save_file({kind: torch.from_numpy(table) for kind, table in tables.items()}, temporary)


def load_tables(path: Path) -> dict[str, np.ndarray]:
    """Read the tables that `save_tables` wrote, by kind of layer."""
    with safe_open(path, framework="pt") as file:
        return {kind: file.get_tensor(kind).numpy() for kind in file.keys()}  # noqa: SIM118
