"""Build, load, train and measure dense networks, and keep compressed ones in small files.

Example:
    A compressed network in a small file, and the evaluated network out of it.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import torch
    >>> from torch import nn
    >>> from paretopress.compression.plans import Plan
    >>> from paretopress.compression.pruning import prune
    >>> from paretopress.networks.packed import load_packed, save_packed
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(1000, 100, bias=False))
    >>> plan = Plan((("1.weight", 90_000),), quantized=False, bits=(("1.weight", 4),))
    >>> pruned = prune(network, plan)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "packed.safetensors"
    ...     save_packed(pruned, plan, path)
    ...     small = path.stat().st_size < 0.04 * 400_000
    ...     loaded = load_packed(network, path)
    >>> small, torch.equal(loaded[1].weight, pruned.network[1].weight)
    (True, True)
"""
