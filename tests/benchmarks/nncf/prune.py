"""Prune a trained ResNet50 with NNCF's recipe without training: what our pruning is compared with.

NNCF prunes by magnitude with one threshold for all layers, then adapts the statistics of the batch
normalisation. No weight is trained. The script needs an environment of its own, which the project
never installs. Make it outside the repository, and run the script from the root of the repository:

    python3 -m venv /elsewhere/nncf
    /elsewhere/nncf/bin/pip install -r tests/benchmarks/nncf/requirements.txt
    PYTHONPATH=workflow/scripts /elsewhere/nncf/bin/python tests/benchmarks/nncf/prune.py \
        --weights results/cifar10-jpeg/baselines/resnet50/weights.safetensors \
        --images results/cifar10-jpeg/dataset/test.safetensors \
        --training results/cifar10-jpeg/dataset/train.safetensors \
        --indices indices.txt --output nncf.csv > settings.json

`snakemake --configfile config/cifar10-jpeg.yaml` writes the three safetensors files.

The output has two rows for each share of weights kept: without and with adaptation. Its column
`correct` has one character for each test image, in the order of the file: 1 if the prediction is
correct, 0 if not. (pandas must read this column as text: dtype={"correct": str}.)

What NNCF 3.4 does, read in its source:

- `nncf.prune` ranks |w| divided by the L2 norm of its layer's weights, over all layers at once. A
  weight stays if its value is above the threshold. By default all convolutions and linear layers
  take part, the first and the last included. Biases and batch normalisation do not.
- `nncf.batch_norm_adaptation` puts only batch normalisation in training mode and runs the batches.
  One iteration is one batch. It neither resets the statistics nor changes their momentum (0.1 in
  torchvision). So 5 iterations leave a share of 0.9 ** 5 = 0.59 of the old statistics.
- `nncf.strip`, which would put the masks into the weights, needs torchao. pip does not install it
  with NNCF. So non-zero weights are counted behind NNCF's own masks, and the masked network is
  evaluated. Its scores are those of a plain ResNet50 with the masked weights.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

os.environ["NNCF_CI"] = "1"  # NNCF then reports nothing to its makers.

import nncf
import torch
from nncf.torch.function_hook.pruning.magnitude.algo import get_pruned_modules
from safetensors.torch import load_file
from torch import nn

from paretopress.compression.tally import denormals_flushed
from paretopress.dataset.split import Split, batches, load_split, normalized
from paretopress.jobs.files import write_whole
from paretopress.torchvision_operators import torchvision

MODE = nncf.PruneMode.UNSTRUCTURED_MAGNITUDE_GLOBAL
COLUMNS = ("kept", "adapted", "nonzero_rate", "accuracy", "correct")


def trained_network(weights: Path) -> nn.Module:
    """Load the dense ResNet50.

    Args:
        weights: Its state dict, float32, for 10 classes.

    Returns:
        The network, in evaluation mode.
    """
    network = torchvision.models.resnet50(num_classes=10)
    network.load_state_dict(load_file(weights))
    return network.eval()


def adaptation_batches(split: Split, indices: Sequence[int], size: int) -> list[torch.Tensor]:
    """Choose the images that adapt the batch normalisation.

    Args:
        split: The training images.
        indices: The images, in their order.
        size: Images in a batch. The last batch may be smaller.

    Returns:
        Network inputs.
    """
    chosen = torch.tensor(indices).split(size)
    return [normalized(split, split.images[part]) for part in chosen]


def correct_images(network: nn.Module, split: Split, batch_size: int) -> torch.Tensor:
    """Classify all images of a split.

    Args:
        network: The network. It is put in evaluation mode.
        split: The images.
        batch_size: Images in a batch.

    Returns:
        True for each image with a correct top-1 prediction.
    """
    network.eval()
    with torch.inference_mode(), denormals_flushed():
        return torch.cat(
            [network(inputs).argmax(1) == labels for inputs, labels in batches(split, batch_size)]
        )


def nonzero_rate(network: nn.Module, masks: Mapping[str, nn.Module]) -> float:
    """Count what the masks of NNCF leave of Linear and convolution layers, with biases.

    Args:
        network: The network. Pruned by NNCF, it still holds its dense weights beside the masks.
        masks: The module of NNCF that masks a tensor, by the tensor's name.

    Returns:
        Non-zero entries divided by all entries, in [0, 1].
    """
    left = entries = 0
    for layer, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            for kind, tensor in module.named_parameters(recurse=False):
                mask = masks.get(f"{layer}.{kind}", nn.Identity())
                left += int(mask(tensor).count_nonzero())
                entries += tensor.numel()
    return left / entries


def prune_and_measure(
    network: nn.Module, kept: float, split: Split, adaptation: list[torch.Tensor], batch_size: int
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Prune a network with NNCF, and evaluate it without and with adaptation.

    Args:
        network: The dense network, in evaluation mode. It is changed.
        kept: Share of weights left, in (0, 1].
        split: The images to classify.
        adaptation: The batches of network inputs that adapt the batch normalisation.
        batch_size: Images in a batch of the evaluation.

    Returns:
        The two rows of the output, and what NNCF did.
    """
    ratio = round(1 - kept, 12)
    pruned = nncf.prune(network, MODE, ratio=ratio, examples_inputs=adaptation[0][:1]).network
    left = {
        tensor.tensor_name: 1 - tensor.pruned_ratio
        for tensor in nncf.pruning_statistic(pruned).pruned_tensors
    }
    rate = nonzero_rate(pruned, get_pruned_modules(pruned))
    rows = []
    for adapted in (False, True):
        if adapted:
            with denormals_flushed():
                nncf.batch_norm_adaptation(pruned, nncf.Dataset(adaptation))
        correct = correct_images(pruned, split, batch_size)
        accuracy = int(correct.sum()) / len(correct)
        text = "".join(map(str, correct.int().tolist()))
        rows.append(dict(zip(COLUMNS, (kept, adapted, rate, accuracy, text), strict=True)))
        print(f"kept {kept}, adapted {adapted}: accuracy {accuracy}", file=sys.stderr)
    done = {
        "kept": kept,
        "ratio": ratio,
        "nonzero_rate": rate,
        "accuracy": rows[0]["accuracy"],
        "accuracy_adapted": rows[1]["accuracy"],
        "pruned_tensors": len(left),
        "left_of_first_convolution": left.get("conv1.weight"),
        "left_of_last_linear": left.get("fc.weight"),
        "least_left_of_a_layer": min(left.items(), key=lambda item: item[1]),
    }
    return rows, done


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="of the dense ResNet50")
    parser.add_argument("--images", type=Path, required=True, help="the split to classify")
    parser.add_argument("--training", type=Path, required=True, help="the split to adapt on")
    parser.add_argument(
        "--indices", type=Path, required=True, help="training images to adapt on, one a line"
    )
    parser.add_argument("--batch-size", type=int, default=200, help="of both (default: 200)")
    parser.add_argument(
        "--kept", type=float, nargs="+", default=[0.5, 0.3, 0.2, 0.1, 0.05],
        help="shares of weights left (default: .5 .3 .2 .1 .05)",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, required=True, help="the CSV file to write")
    return parser.parse_args()


def main() -> None:
    """Write the rows of all shares, and print the settings as JSON."""
    given = arguments()
    split, training = load_split(given.images), load_split(given.training)
    indices = [int(line) for line in given.indices.read_text(encoding="utf-8").split()]
    adaptation = adaptation_batches(training, indices, given.batch_size)
    dense = trained_network(given.weights)
    correct = correct_images(dense, split, given.batch_size)
    norms = [layer for layer in dense.modules() if isinstance(layer, nn.BatchNorm2d)]
    (momentum,) = {layer.momentum for layer in norms}
    rows, shares = [], []
    for kept in given.kept:
        with contextlib.redirect_stdout(sys.stderr):  # NNCF's progress bars
            of_share, done = prune_and_measure(
                trained_network(given.weights), kept, split, adaptation, given.batch_size
            )
        rows += of_share
        shares.append(done)
    settings = {
        "nncf": nncf.__version__,
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "mode": MODE.value,
        "ignored_scope": None,
        "batch_size": given.batch_size,
        "adaptation_images": len(indices),
        "adaptation_iterations": len(adaptation),
        "batch_norm_layers": len(norms),
        "batch_norm_momentum": momentum,
        "share_of_old_statistics": (1 - momentum) ** len(adaptation),
        "images": len(split),
        "dense": {
            "nonzero_rate": nonzero_rate(dense, {}),
            "accuracy": int(correct.sum()) / len(correct),
        },
        "shares": shares,
    }
    file = io.StringIO(newline="")
    table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_whole(given.output, file.getvalue())
    print(json.dumps(settings, indent=2))


if __name__ == "__main__":
    main()
