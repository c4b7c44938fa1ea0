"""The versions of the software that computes the results."""

import platform
from importlib.metadata import PackageNotFoundError, version

# The numbers of a study can depend on these packages.
PACKAGES = (
    "torch", "torchvision", "numpy", "pandas", "scipy", "scikit-learn", "xgboost", "lightgbm",
    "pymoo", "moocore", "scikit-posthocs", "safetensors", "pillow", "optuna", "botorch", "gpytorch",
)  # fmt: skip


def versions() -> dict[str, str]:
    """The version of Python and of each installed package of PACKAGES, by name."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
