"""Where a network is trained: on a CUDA device where there is one."""

import os

import torch


def training_device() -> torch.device:
    """The first CUDA device, else the CPU; from then on torch computes the same way each time, as far as it can.

    To be called before anything else uses CUDA.
    """
    if not torch.cuda.is_available():
        torch.use_deterministic_algorithms(True)
        return torch.device("cpu")
    # Read when CUDA starts; without it cuBLAS may sum in another order each time (its documentation, "Results Reproducibility").
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # An error would rule VGG out: its adaptive average pooling has no deterministic backward pass on CUDA.
    torch.use_deterministic_algorithms(True, warn_only=True)
    return torch.device("cuda", 0)


def described(device: torch.device) -> str:
    """The device in words, for a log."""
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} (CUDA)"
    threads = torch.get_num_threads()
    return f"the CPU, {threads} {'thread' if threads == 1 else 'threads'}"
