"""Parts of an evaluation by themselves, for tests of each."""

from functools import partial

import torch
from torch import nn

from paretopress.compression.evaluation import Measurement, measure
from paretopress.compression.magnitudes import zero_smallest
from paretopress.compression.plans import Plan
from paretopress.compression.pruning import compress
from paretopress.dataset.split import Split


def evaluate(network: nn.Module, plan: Plan, split: Split, batch_size: int) -> Measurement:
    """The true evaluation of `network` compressed by `plan`; `network` stays as it is."""
    return measure(partial(compress, network), plan, split, batch_size)


def prune_smallest(tensor: torch.Tensor, zeros: int) -> torch.Tensor:
    """A copy with the `zeros` entries of smallest magnitude set to zero."""
    pruned = tensor.detach().clone(memory_format=torch.contiguous_format)
    zero_smallest(pruned, zeros)
    return pruned
