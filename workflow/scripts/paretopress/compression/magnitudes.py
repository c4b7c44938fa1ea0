"""Set the entries of smallest magnitude of a tensor to zero, in place and in little memory."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

# torch's selection needs 16 bytes for each entry of a tensor, and more for indices. Tensors up to
# this size are left to it. Of VGG16, only the weight of the first Linear layer is larger: its
# 102,760,448 entries would take 3 GB.
SELECTED_BY_TORCH = 2**24
ENTRIES_AT_ONCE = 2**22  # entries of a block of a larger tensor
HALF = 16  # bits
BINS = 2**HALF
WITHOUT_SIGN = np.int32(0x7FFFFFFF)


def selection_entries(size: int) -> int:
    """Entries in memory at once for the selection of the smallest.

    Args:
        size: Entries of the tensor.

    Returns:
        All entries of a tensor that torch selects from, else the entries of a block.
    """
    return size if size <= SELECTED_BY_TORCH else ENTRIES_AT_ONCE


def _magnitudes(flat: torch.Tensor) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the blocks of a flat float32 tensor, and their magnitudes as integers.

    Floats without a sign have the same order as their bits.
    """
    entries = flat.numpy()
    for start in range(0, len(entries), ENTRIES_AT_ONCE):
        block = entries[start : start + ENTRIES_AT_ONCE]
        yield block, block.view(np.int32) & WITHOUT_SIGN


def _bin_of(counts: np.ndarray, rank: int) -> tuple[int, int]:
    """The bin with the element of a rank (from 1), and the rank of the element in that bin."""
    ends = np.cumsum(counts)
    found = int(np.searchsorted(ends, rank))
    return found, rank - int(ends[found] - counts[found])


def _threshold(flat: torch.Tensor, zeros: int) -> tuple[int, int]:
    """The magnitude of rank `zeros` as an integer, and its ties among the `zeros` smallest.

    This is a radix selection. One histogram finds the upper half of the bits, another the lower.
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


def zero_by_sorting(flat: torch.Tensor, zeros: int) -> None:
    """Set the `zeros` smallest entries of a flat tensor on any device to zero, ties by index."""
    flat[torch.sort(flat.abs(), stable=True).indices[:zeros]] = 0


def zero_by_threshold(flat: torch.Tensor, zeros: int) -> None:
    """Set the `zeros` smallest entries of a flat tensor on any device to zero, ties as on the CPU.

    The CPU is asked where some of the entries that are equal become zero and some do not.
    """
    if zeros == 0:
        return
    magnitudes = flat.abs()
    # Not kthvalue, which torch does not count as deterministic on CUDA.
    limit = magnitudes.sort().values[zeros - 1]
    chosen = magnitudes <= limit
    if limit != 0 and int(chosen.sum()) != zeros:
        on_cpu = flat.cpu()
        zero_smallest(on_cpu, zeros)
        flat.copy_(on_cpu)
    else:
        flat.masked_fill_(chosen, 0)


def zero_smallest(tensor: torch.Tensor, zeros: int) -> None:
    """Set the entries of smallest magnitude of a tensor to zero, in place.

    Of equal magnitudes, the same entries become zero as in torch.nn.utils.prune.l1_unstructured. In
    float32 tensors of more than SELECTED_BY_TORCH entries, the first of the equal ones become zero.

    Args:
        tensor: A contiguous tensor. The same entries become zero on each device.
        zeros: Entries to set to zero.
    """
    flat = tensor.view(-1)
    if flat.numel() > SELECTED_BY_TORCH and flat.dtype == torch.float32 and zeros > 0:
        zero_smallest_in_order(flat, zeros)
    elif not flat.is_cpu:
        zero_by_threshold(flat, zeros)
    else:
        # Without sorting, topk picks the same entries and does not order millions of them.
        flat[torch.topk(flat.abs(), k=zeros, largest=False, sorted=False).indices] = 0


def zero_smallest_in_order(tensor: torch.Tensor, zeros: int) -> None:
    """Set the entries of smallest magnitude of a tensor to zero, in place.

    Of equal magnitudes, those of the lowest indices become zero.

    Args:
        tensor: A contiguous tensor. The same entries become zero on each device.
        zeros: Entries to set to zero.
    """
    flat = tensor.view(-1)
    if flat.is_cpu and flat.dtype == torch.float32 and zeros > 0:
        _zero_by_blocks(flat, zeros)
    else:
        zero_by_sorting(flat, zeros)


# How ties are broken: as torch.nn.utils.prune breaks them, or by the index of an entry.
LIKE_TORCH, IN_ORDER = "torch", "index"
ZEROING: dict[str, Callable[[torch.Tensor, int], None]] = {
    LIKE_TORCH: zero_smallest,
    IN_ORDER: zero_smallest_in_order,
}
