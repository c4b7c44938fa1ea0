"""The device that networks are pruned, repaired, evaluated and trained on.

All of it computes the same numbers on each device, but for the order in which floats are summed.
"""

import os

import torch

from ..errors import UserError
from .tally import CPU

AUTO, CUDA = "auto", "cuda"


def device_of(asked: str) -> torch.device:
    """Give the device that the config asks for, and make torch exact and deterministic on it.

    It must be called before anything else uses CUDA.

    Args:
        asked: evaluation.device: "cpu", "cuda", or "auto", the first CUDA device, else the CPU.

    Returns:
        The device.

    Raises:
        UserError: "cuda" without a CUDA device.
    """
    found = asked != CPU.type and torch.cuda.is_available()
    if asked == CUDA and not found:
        raise UserError(
            f"evaluation.device = cuda: torch {torch.__version__} finds no CUDA device on this "
            "machine. Allowed here: auto and cpu. Run the job on a machine with an NVIDIA GPU, its "
            "driver and a torch for CUDA (on a cluster, give the rule a GPU), or set "
            "evaluation.device to auto."
        )
    if not found:
        return CPU
    # Read when CUDA starts. Without it, cuBLAS may sum in another order each time (its
    # documentation, "Results Reproducibility").
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # TF32 has 10 bits of mantissa, which change the predictions of many images.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = False, True
    # Warn only: VGG's adaptive average pooling has no deterministic backward pass on CUDA, and an
    # error would rule VGG out.
    torch.use_deterministic_algorithms(True, warn_only=True)
    return torch.device(CUDA, 0)


def kinds(device: torch.device) -> list[str]:
    """What the settings of a journal have of a device: its kind, and nothing for the CPU.

    So the records of one kind of device are not continued on another.
    """
    return [] if device == CPU else [device.type]


def name_of(device: torch.device) -> str | None:
    """The name of a GPU, for tables. None for the CPU."""
    return torch.cuda.get_device_name(device) if device.type == CUDA else None


def described(device: torch.device) -> str:
    """Describe a device for a log."""
    if device.type == CUDA:
        return f"{name_of(device)} (CUDA)"
    threads = torch.get_num_threads()
    return f"the CPU, {threads} {'thread' if threads == 1 else 'threads'}"
