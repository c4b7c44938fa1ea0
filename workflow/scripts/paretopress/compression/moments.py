"""Mean and variance of each channel of activations, pooled over batches."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Moments:
    """Mean and variance of each channel over a number of values.

    Attributes:
        count: Values of each channel.
        mean: Mean of each channel, float64 of shape (channels,).
        variance: Mean squared deviation from it, float64 of shape (channels,).
    """

    count: int
    mean: torch.Tensor
    variance: torch.Tensor

    @property
    def finite(self) -> torch.Tensor:
        """Whether both moments of a channel are finite, shape (channels,)."""
        return self.mean.isfinite() & self.variance.isfinite()

    def pooled(self, other: "Moments") -> "Moments":
        """The moments of the values of both: within them and between them.

        The formula is that of Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise
        algorithm for computing sample variances", equations 2.1.
        """
        count = self.count + other.count
        share, difference = other.count / count, other.mean - self.mean
        within = (1 - share) * self.variance + share * other.variance
        between = share * (1 - share) * difference**2
        return Moments(count, self.mean + share * difference, within + between)


def moments_of(values: torch.Tensor) -> Moments:
    """Measure the moments of each channel, the second dimension of `values`."""
    exact = values.contiguous()
    # On the CPU, torch sums in float64 where the values of a channel lie together, else in their own
    # type, as on other devices.
    apart = exact.stride(1) == 1 or exact.shape[1] == 1 or not exact.is_cpu
    if apart or exact.dtype not in (torch.float32, torch.float64):
        exact = exact.double()
    # The statistics of torch's batch norm without its output, in one pass.
    mean, variance = torch.batch_norm_update_stats(exact, None, None, 0.0)
    return Moments(values.numel() // values.shape[1], mean.double(), variance.double())


class Pool(dict[str, Moments]):
    """Moments by name, pooled over calls and batches."""

    def take(self, name: str, values: torch.Tensor) -> Moments:
        """Pool the moments of further values, and return these alone."""
        found = moments_of(values)
        self[name] = self[name].pooled(found) if name in self else found
        return found
