"""Parts of an evaluation by themselves, for tests of each."""

import torch
from torch import nn

from paretopress.compression.evaluation import Evaluator, InMemory, Measurement
from paretopress.compression.magnitudes import zero_smallest
from paretopress.compression.plans import Plan
from paretopress.compression.tally import denormals_flushed, predicted, scores_of
from paretopress.dataset.split import Split, batches


def evaluator(network: nn.Module, split: Split, batch_size: int) -> Evaluator:
    """The evaluations of `network`, which stays as it is."""
    return Evaluator(InMemory(network, split.images.shape[-1]), split, batch_size)


def evaluate(network: nn.Module, plan: Plan, split: Split, batch_size: int) -> Measurement:
    """The true evaluation of `network` compressed by `plan`; `network` stays as it is."""
    return evaluator(network, split, batch_size)(plan)


def plain_predictions(network: nn.Module, split: Split, batch_size: int) -> torch.Tensor:
    """The predictions of a compressed network on the plain path."""
    with torch.no_grad(), denormals_flushed():
        return torch.cat(
            [predicted(scores_of(network, images)) for images, _ in batches(split, batch_size)]
        )


def prune_smallest(tensor: torch.Tensor, zeros: int) -> torch.Tensor:
    """A copy with the `zeros` entries of smallest magnitude set to zero."""
    pruned = tensor.detach().clone(memory_format=torch.contiguous_format)
    zero_smallest(pruned, zeros)
    return pruned
