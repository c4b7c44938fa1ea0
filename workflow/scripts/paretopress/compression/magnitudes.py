"""The entries of smallest magnitude of a tensor, set to zero in place, in little memory."""

from collections.abc import Iterator

import numpy as np
import torch

# torch's selection holds 16 bytes for each entry of a tensor, and indices beside them. Up to this size a tensor is left to it; the only
# larger one in VGG16 is the weight of the first Linear layer (102,760,448 entries, for which it would take 3 GB).
SELECTED_BY_TORCH = 2**24
ENTRIES_AT_ONCE = 2**22  # entries looked at together in a larger tensor
HALF = 16  # bits
BINS = 2**HALF
WITHOUT_SIGN = np.int32(0x7FFFFFFF)


def selection_entries(size: int) -> int:
    """Entries of a tensor of `size` entries that are held in memory at once to find its smallest."""
    return size if size <= SELECTED_BY_TORCH else ENTRIES_AT_ONCE


def _magnitudes(flat: torch.Tensor) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Blocks of a float32 tensor of one dimension, and their magnitudes as integers: floats without sign have the order of their bits."""
    entries = flat.numpy()
    for start in range(0, len(entries), ENTRIES_AT_ONCE):
        block = entries[start : start + ENTRIES_AT_ONCE]
        yield block, block.view(np.int32) & WITHOUT_SIGN


def _bin_of(counts: np.ndarray, rank: int) -> tuple[int, int]:
    """The bin that holds the element of that rank (from 1), and its rank within the bin."""
    ends = np.cumsum(counts)
    found = int(np.searchsorted(ends, rank))
    return found, rank - int(ends[found] - counts[found])


def _threshold(flat: torch.Tensor, zeros: int) -> tuple[int, int]:
    """The magnitude of rank `zeros`, as an integer, and how many entries of just that magnitude are among the `zeros` smallest.

    A radix selection: the upper half of the bits by one histogram, the lower half by another.
    """
    upper = sum(
        np.bincount(magnitudes >> HALF, minlength=BINS) for _, magnitudes in _magnitudes(flat)
    )
    high, rank = _bin_of(np.asarray(upper), zeros)
    lower = sum(
        np.bincount(magnitudes[magnitudes >> HALF == high] & (BINS - 1), minlength=BINS)
        for _, magnitudes in _magnitudes(flat)
    )
    low, ties = _bin_of(np.asarray(lower), rank)
    return (high << HALF) | low, ties


def _zero_by_blocks(flat: torch.Tensor, zeros: int) -> None:
    threshold, ties = _threshold(flat, zeros)
    for block, magnitudes in _magnitudes(flat):
        equal = np.flatnonzero(magnitudes == threshold)[:ties]
        ties -= len(equal)
        block[magnitudes < threshold] = 0
        block[equal] = 0


def zero_smallest(tensor: torch.Tensor, zeros: int) -> None:
    """Sets the `zeros` entries of smallest magnitude of a contiguous tensor to zero, in place.

    Of equal magnitudes at the limit those go that torch.nn.utils.prune.l1_unstructured takes; in float32 tensors of more than
    SELECTED_BY_TORCH entries, the first ones.
    """
    flat = tensor.view(-1)
    if flat.numel() > SELECTED_BY_TORCH and flat.dtype == torch.float32 and zeros > 0:
        _zero_by_blocks(flat, zeros)
    else:
        # Unsorted, topk picks the same entries as sorted and does not order millions of them.
        flat[torch.topk(flat.abs(), k=zeros, largest=False, sorted=False).indices] = 0
