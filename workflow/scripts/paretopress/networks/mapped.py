"""A trained network whose weights are mapped from their file into memory.

Jobs that read the same file share this memory. Pruned tensors belong to their job. They are read in
parts, so that no tensor is in memory twice. On another device than the CPU, the weights stay there.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..compression.allocation import ReadMagnitudes, lamp_table, magnitudes_of
from ..compression.features import features_of
from ..compression.head import Head, head_of
from ..compression.layers import (
    LAYER_KINDS,
    Layer,
    Layout,
    layer_name,
    layout_of,
    tensor_name,
    with_tensors,
)
from ..compression.moments import Moments
from ..compression.passage import Passage, passage_of
from ..compression.plans import Plan
from ..compression.pruning import Pruned, count_and_quantize, prune
from ..compression.repair import RepairImages, dense_moments, repair, run
from ..compression.tally import CPU
from ..config.weight_files import SAFETENSORS
from ..dataset.split import Split
from ..errors import UserError
from .build import build_for
from .extra_state import set_states
from .fitting import fitted
from .moves import NO_MOVES, Moves
from .on_device import require_runs
from .tensors import Mapped, Resident, moved

OwnTensor = Callable[[str, nn.Parameter], torch.Tensor]


@dataclass(frozen=True)
class MappedNetwork:
    """A trained network whose weights stay in their file.

    Attributes:
        structure: The network. Its own weights are not used.
        weights: The safetensors file that `save_weights` wrote for it.
        moves: What the study does to it beside its designs.
        image_size: Side of the images, in pixels. None if its head is not looked for.
        device: The device of all networks and tensors that it gives.
    """

    structure: nn.Module
    weights: Path
    moves: Moves = NO_MOVES
    image_size: int | None = None
    device: torch.device = CPU

    @cached_property
    def head(self) -> Head | None:
        """Its head, for designs that change nothing else. None if there is none."""
        size = self.image_size
        return None if size is None else head_of(self.fresh(), size, self.device)

    def layout(self) -> Layout:
        """List the layers that can be pruned.

        Raises:
            UserError: The tables of the moves are of another network.
        """
        layout = layout_of(self.structure, self.moves.keep)
        tables = self.moves.tables
        if tables is not None and any(
            tables[kind][-1].tolist() != [layer.weight for layer in getattr(layout, kind)]
            for kind in LAYER_KINDS
        ):
            raise UserError(
                f"the table of allocation beside {self.weights} is of another network or another "
                "search_space.keep. Remove allocation.safetensors and run the study again."
            )
        return replace(layout, tables=tables)

    def fresh(self) -> nn.Module:
        """Make the trained network, in evaluation mode.

        On the CPU, weights are read when they are used, and leave memory with the network.

        Raises:
            UserError: The file cannot be read, or does not fit the network.
        """
        weights = self._tensors.fitted()
        network = with_tensors(self.structure, weights.tensors)
        set_states(network, weights.extra)
        return (network if self.device == CPU else moved(network, self.device)).eval()

    @cached_property
    def _tensors(self) -> Mapped | Resident:
        if self.device == CPU:
            return Mapped(self.structure, self.weights)
        return Resident(self.structure, self.weights, self.device)

    def read(self, name: str) -> torch.Tensor:
        """Read one tensor into memory of its own, on the CPU part by part from the file."""
        return self._tensors.read(name)

    def tables(self) -> dict[str, np.ndarray]:
        """Compute the tables of its LAMP allocation, by kind. Each weight is read twice.

        A layer whose weight belongs to another one has a column of zeros.
        """

        def reads(layer: Layer) -> ReadMagnitudes:
            return lambda: magnitudes_of(self.read(tensor_name(layer.name, "weight")))

        layout, tables = self.layout(), {}
        for kind in LAYER_KINDS:
            layers = getattr(layout, kind)
            own = {layer.name: reads(layer) for layer in layers if layer.weight}
            table = lamp_table(own)
            tables[kind] = np.zeros((len(table), len(layers)), dtype=table.dtype)
            tables[kind][:, [layer.weight > 0 for layer in layers]] = table
        return tables

    def tabulated(self) -> "MappedNetwork":
        """The same network with the tables of its LAMP allocation."""
        return replace(self, moves=replace(self.moves, tables=self.tables()))

    @cached_property
    def _images(self) -> RepairImages | None:
        """The images of the repair, on the device."""
        images = self.moves.repair
        return images and replace(images, device=self.device)

    @cached_property
    def _dense(self) -> tuple[Passage, Mapping[str, Moments]]:
        """What repair knows of the dense network. It is measured once."""
        images = self._images
        assert images is not None
        network = self.fresh()
        passage = passage_of(network, next(images.batches()), self.moves.keep)
        return passage, dense_moments(network, passage, images)

    @cached_property
    def _repair_features(self) -> list[torch.Tensor] | None:
        """What the body gives the head for the images of the repair. None if it cannot be kept."""
        head, images = self.head, self._images
        assert head is not None
        assert images is not None
        return features_of(head, self.fresh(), images.batches())

    def _passes(self, plan: Plan, images: RepairImages) -> Callable[[nn.Module], None]:
        """Runs the images of the repair through what a plan changes of a network."""
        if (head := self.head) and head.holds(plan) and (features := self._repair_features):
            return lambda network: run(partial(head.scores, network), features)
        return lambda network: run(network, images.batches())

    @property
    def left_alone(self) -> tuple[str, ...]:
        """The layers and norms that repair cannot mend, each with the reason."""
        return self._dense[0].left_alone if self.moves.repair else ()

    def _own_tensor(self, owned: Collection[str]) -> OwnTensor:
        """Give a parameter in memory of its own, of which there is never more than one copy."""

        def own_tensor(name: str, parameter: nn.Parameter) -> torch.Tensor:
            if name in owned:
                return parameter.detach()
            parameter.data = torch.empty(0, device=self.device)
            return self.read(name)

        return own_tensor

    def pruned(self, plan: Plan) -> Pruned:
        """Make the pruned and rounded float network, repaired if the moves say so.

        Its tensors are in memory once. A weight that was rounded stays code times scale.
        """
        images, changed = self._images, plan.changed
        if images is None or not changed:
            return prune(self.fresh(), plan, self.read)
        passage, dense = self._dense
        pruned = prune(self.fresh(), plan, self.read)
        names = passage.after(set(map(layer_name, changed)))
        repair(pruned, names, dense, self._passes(plan, images), self._own_tensor(changed))
        return pruned

    def repaired(self) -> tuple[nn.Module, tuple[str, ...]]:
        """Repair the dense network as if all of it had been pruned.

        Returns:
            The network, and the layers and norms that repair cannot mend, each with the reason.
        """
        images = self._images
        assert images is not None
        passage, dense = self._dense
        network = self.fresh()
        layout = self.layout()
        names = passage.after(
            {layer.name for kind in LAYER_KINDS for layer in getattr(layout, kind)}
        )
        repair(
            Pruned(network, {}),
            names,
            dense,
            lambda passing: run(passing, images.batches()),
            self._own_tensor(()),
        )
        return network, passage.left_alone

    def compress(self, plan: Plan) -> tuple[nn.Module, float]:
        """Make the compressed network, and count its non-zero rate in [0, 1]."""
        return count_and_quantize(self.pruned(plan).network, plan)


def mapped_network(
    structure: nn.Module, weights: Path, moves: Moves = NO_MOVES, image_size: int | None = None
) -> MappedNetwork:
    """Map the weights of a network, and drop those that it was built with.

    Args:
        structure: The network.
        weights: The safetensors file with its trained weights.
        moves: What the study does to it beside its designs.
        image_size: Side of the images, in pixels. None if its head is not looked for.

    Returns:
        The mapped network.

    Raises:
        UserError: The file cannot be read, or does not fit the network. Or its tensors cannot be
            mapped: it is no safetensors file, or has other types.
    """
    facts = fitted(structure, weights).taken
    if facts.format != SAFETENSORS or facts.casts:
        raise UserError(
            f"{weights}: its tensors cannot be mapped as they are: a {facts.format} file"
            f"{', with ' if facts.casts else ''}{', '.join(facts.casts)}. Make a file that can, "
            "with paretopress.networks.weights.import_weights."
        )
    return MappedNetwork(MappedNetwork(structure, weights).fresh(), weights, moves, image_size)


def load_network(
    architecture: Mapping[str, Any],
    split: Split,
    weights: Path,
    moves: Moves,
    device: torch.device = CPU,
) -> MappedNetwork:
    """Build a network for the images of a split, and map its trained weights.

    Args:
        architecture: Name and arguments, as `build_network` takes them.
        split: Images of the study. Their classes and their size are used.
        weights: The safetensors file with the trained weights.
        moves: What the study does to the network beside its designs.
        device: The device that it is compressed on.

    Returns:
        The network, ready for compression.

    Raises:
        UserError: The network cannot be built, the weights do not fit it, or it does not run on the
            device.

    Example:
        >>> import tempfile
        >>> from paretopress.networks.weights import save_weights
        >>> split = Split(torch.zeros(4, 3, 32, 32, dtype=torch.uint8), torch.arange(4), tuple("abcd"))
        >>> slim = {"name": "vgg16_slim", "width_divisor": 32}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     weights = Path(folder) / "weights.safetensors"
        ...     save_weights(build_for(slim, split), weights)
        ...     network = load_network(slim, split, weights, Moves())
        ...     compressed, rate = network.compress(Plan((("features.0.weight", 27),), False))
        >>> rate < 1
        True
    """
    size = split.images.shape[-1]
    structure = build_for(architecture, split, moves.keep)
    network = replace(mapped_network(structure, weights, moves, size), device=device)
    if device != CPU:
        require_runs(network.fresh(), device, size)
    return network
