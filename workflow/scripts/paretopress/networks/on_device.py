"""Whether a network runs on the device that it shall be evaluated on."""

import torch
from torch import nn

from ..compression.passage import trial_images
from ..errors import UserError


def require_runs(network: nn.Module, device: torch.device, image_size: int) -> None:
    """Run two images through a network on its device.

    Raises:
        UserError: The network does not run there.
    """
    try:
        with torch.no_grad():
            network(trial_images(image_size).to(device))
    except RuntimeError as error:
        raise UserError(
            f"evaluation.device: the network does not run on {device.type}: {error}\nA network runs "
            "there if it makes tensors on the device of its inputs, and holds the others as "
            "parameters, buffers or attributes of its modules. Mend its code, free memory of the "
            "device, or set evaluation.device to cpu."
        ) from error
