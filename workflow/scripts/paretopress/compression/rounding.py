"""Round the weights of a layer to a few bits, with one scale for each output channel.

A weight that is not zero becomes the scale of its channel times a code. With b bits the codes are
-2**(b-1) to -1 and 1 to 2**(b-1): the mask tells the zeros, so that no code is spent on them. What
is zero stays zero, and what is not zero stays so.

The scale is found by least squares: the largest code stands for one of a few shares of the largest
weight of the channel, larger weights are cut off, and the codes then get the scale that fits best.
The share with the least sum of squared errors is taken.
"""

from collections.abc import Iterator

import numpy as np
import torch

from ..errors import UserError

# Shares of the largest magnitude of a channel that the largest code may stand for.
SHARES = (1.0, 0.85, 0.7, 0.55)
ENTRIES_AT_ONCE = 2**18
ENTRIES_ELSEWHERE = 2**24  # of a part on other devices, where each part costs a wait


def _parts(weight: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
    """Some channels at a time: their slice, and their entries as a view of shape (n, entries)."""
    rows = weight.view(len(weight), -1)
    entries = ENTRIES_AT_ONCE if weight.is_cpu else ENTRIES_ELSEWHERE
    step = max(1, entries // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        yield part, rows[part]


def _codes(relative: np.ndarray, shares: float | np.ndarray, largest_code: int) -> np.ndarray:
    """The code of each magnitude, if the largest code stands for a share of the largest one."""
    return np.clip(np.rint(relative * (largest_code / shares)), 1, largest_code)


def _rounded(
    magnitudes: np.ndarray, starts: np.ndarray, largest_code: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the scale of each channel, and the code of each magnitude.

    Args:
        magnitudes: Magnitudes above zero, channel by channel, float64 of shape (n,).
        starts: Index of the first one of each channel, shape (channels,).
        largest_code: The codes are 1 to this.

    Returns:
        The scales, shape (channels,), and the codes, shape (n,), float64.
    """
    counts = np.diff(starts, append=len(magnitudes))
    largest = np.maximum.reduceat(magnitudes, starts)
    relative = magnitudes / np.repeat(largest, counts)
    most, scales, shares = np.zeros((3, len(starts)))
    for share in SHARES:
        tried = _codes(relative, share, largest_code)
        products = np.add.reduceat(relative * tried, starts)
        squares = np.add.reduceat(tried * tried, starts)
        # With the scale that fits the codes best, products / squares, the sum of squared errors is
        # that of the squared magnitudes less this.
        explained = products * products / squares
        better = explained > most
        most = np.where(better, explained, most)
        scales = np.where(better, products / squares, scales)
        shares = np.where(better, share, shares)
    return scales * largest, _codes(relative, np.repeat(shares, counts), largest_code)


def _rounded_densely(
    magnitudes: torch.Tensor, largest_code: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the scale of each channel, and the code of each magnitude, on any device.

    The CPU has `_rounded`, which is twice as fast where most magnitudes are zero. The two sum in
    different orders, which can change the last digit of a scale.

    Args:
        magnitudes: Magnitudes, float64 of shape (channels, n).
        largest_code: The codes are 1 to this.

    Returns:
        The scales, shape (channels, 1), and the codes, float64 of shape (channels, n). Those of
        zeros say nothing.
    """
    largest = magnitudes.amax(1, keepdim=True)
    relative = magnitudes / torch.where(largest > 0, largest, 1)
    zeros = (magnitudes == 0).sum(1, keepdim=True)

    def codes(shares: float | torch.Tensor) -> torch.Tensor:
        return (relative * (largest_code / shares)).round_().clamp_(1, largest_code)

    most, scales, shares = (torch.full_like(largest, value) for value in (0, 0, 1))
    for share in SHARES:
        tried = codes(share)
        products = (relative * tried).sum(1, keepdim=True)
        squares = tried.square_().sum(1, keepdim=True) - zeros  # a zero has been given the code 1
        explained = products * products / squares
        better = explained > most
        most = torch.where(better, explained, most)
        scales = torch.where(better, products / squares, scales)
        shares = torch.where(better, share, shares)
    return scales * largest, codes(shares)


def round_weight(
    weight: torch.Tensor, bits: int, name: str, dense: bool | None = None
) -> torch.Tensor:
    """Round a weight in place.

    Args:
        weight: A contiguous float tensor of shape (channels, ...).
        bits: Bits of each entry, 2 to 8.
        name: Name of the weight, for the error.
        dense: Whether to compute as on devices other than the CPU. By default, as on its device.

    Returns:
        The scales, shape (channels,), of the type of the weight. A channel of zeros has scale 0.

    Raises:
        UserError: A weight is not finite.

    Example:
        >>> weight = torch.tensor([[0.0, 0.9, -2.1, 1.0], [0.0, 0.0, 0.0, 0.0]])
        >>> round_weight(weight, bits=2, name="fc.weight")
        tensor([1.0167, 0.0000])
        >>> weight[0]
        tensor([ 0.0000,  1.0167, -2.0333,  1.0167])
    """
    dense = not weight.is_cpu if dense is None else dense
    largest_code, kind = 2 ** (bits - 1), torch.finfo(weight.dtype)
    # A code times its scale must neither vanish nor overflow.
    least, most = kind.tiny * kind.eps, kind.max / largest_code
    scales = torch.zeros(len(weight), dtype=weight.dtype, device=weight.device)
    not_finite = UserError(
        f"{name}: numbers that are not finite cannot be rounded to {bits} bits. Mend the weights, "
        "or leave the layer alone by search_space.keep."
    )
    for part, rows in _parts(weight):
        if dense:
            if not rows.isfinite().all():
                raise not_finite
            fits, each = _rounded_densely(rows.double().abs(), largest_code)
            some = rows.any(1, keepdim=True)
            own = torch.where(some, fits.clamp(least, most), 0).to(rows.dtype)
            scales[part] = own[:, 0]
            rows.copy_(torch.where(rows == 0, 0, each.to(rows.dtype).copysign_(rows) * own))
            continue
        exact = rows.double().numpy()
        mask = exact != 0
        counts = np.count_nonzero(mask, axis=1)
        found = np.flatnonzero(counts)
        signed = exact[mask]
        if not np.isfinite(signed).all():
            raise not_finite
        starts = (np.cumsum(counts) - counts)[found]
        fitted, codes = _rounded(np.abs(signed), starts, largest_code)
        fits = torch.from_numpy(fitted).clamp(least, most)
        scales[part][torch.from_numpy(found)] = fits.to(weight.dtype)
        signs = torch.from_numpy(np.copysign(codes, signed)).to(weight.dtype)
        of_each = scales[part].repeat_interleave(torch.from_numpy(counts))
        rows.add_(0.0)  # -0.0 becomes 0.0: no code stands for it
        rows.masked_scatter_(torch.from_numpy(mask), signs * of_each)
    return scales


def rescale(weight: torch.Tensor, scales: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Multiply the scales of a rounded weight, in place, so that it stays code times scale.

    Args:
        weight: The weight, as `round_weight` left it.
        scales: Its scales, shape (channels,).
        factors: A factor for each channel, above zero, shape (channels,).

    Returns:
        The new scales. A scale stays as it is where it would vanish, or a weight overflow.
    """
    new = scales * factors.to(scales.dtype)
    exact = torch.where(scales > 0, scales, 1).double()
    for part, rows in _parts(weight):
        codes = (rows.double() / exact[part, None]).round_().to(rows.dtype)
        largest = codes.abs().amax(1) * new[part]
        fits = (new[part] > 0) & largest.isfinite()
        new[part] = torch.where(fits, new[part], scales[part])
        rows.copy_(codes * new[part, None])
    return new
