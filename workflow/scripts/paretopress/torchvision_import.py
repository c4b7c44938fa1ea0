"""torchvision, importable beside a CPU build of torch too."""

from . import torchvision_operators  # noqa: F401, I001
import torchvision

__all__ = ["torchvision"]
