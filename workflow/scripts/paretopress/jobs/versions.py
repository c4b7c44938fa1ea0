"""The versions that numbers come from."""

import platform
from importlib.metadata import PackageNotFoundError, version

# What the numbers of a study can depend on.
PACKAGES = (
    "torch", "torchvision", "numpy", "pandas", "scipy", "scikit-learn", "xgboost", "lightgbm", "pymoo", "moocore", "scikit-posthocs",
    "safetensors", "pillow",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Of Python, and of those of PACKAGES that are installed."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
