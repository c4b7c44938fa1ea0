"""Build a network with a function of the user's Python file, and of the files beside it."""

import builtins
import hashlib
import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, MappingProxyType, ModuleType
from typing import Any

from torch import nn

from .. import torchvision_operators  # noqa: F401  a user's file may import torchvision
from ..config.own_modules import (
    PACKAGE_FILE,
    code_files,
    is_beside,
    module_beside,
    network_module,
)
from ..errors import UserError

NO_ARGUMENTS: Mapping[str, Any] = MappingProxyType({})


class _Loader(SourceFileLoader):
    """Runs a file with an `import` that finds modules beside the network file."""

    def __init__(self, name: str, path: str, beside: "_Beside") -> None:
        super().__init__(name, path)
        self._beside = beside

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file. Bytecode beside it could be that of an earlier text."""
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module: ModuleType) -> None:
        """Run the file. Python takes `import` from the builtins of the module."""
        vars(module)["__builtins__"] = vars(builtins) | {"__import__": self._beside.imported}
        super().exec_module(module)


class _Beside(MetaPathFinder):
    """Finds the modules of one network file, under private names.

    sys.path stays as it is, and so do the names of installed packages. Two network files may each
    have a helper of the same name. An import inside a function works whenever it runs.

    Args:
        path: The network file.
    """

    def __init__(self, path: Path) -> None:
        self._network, self._folder = network_module(path), path.parent
        self.package = f"paretopress_own_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
        self._files = set(code_files(path))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module by its private name; None for any other name."""
        if fullname == self.package:
            return ModuleSpec(fullname, None, is_package=True)
        if not fullname.startswith(f"{self.package}."):
            return None
        parts = tuple(fullname.split(".")[1:])
        own = self._network if parts == self._network.parts else None
        found = own or module_beside(self._folder, parts)
        if found is None:
            return None
        if not found.file.is_file() and found is not own:
            return ModuleSpec(fullname, None, is_package=True)
        if found.file not in self._files:
            raise UserError(
                f"{found.file}: {self._network.file} loads it under a name that is not in its "
                "text. So an edit of that file would repeat nothing. Allowed: an import statement, "
                'or importlib.import_module("NAME").'
            )
        is_package = found.file.name == PACKAGE_FILE and found is not own
        return spec_from_file_location(
            fullname,
            found.file,
            loader=_Loader(fullname, str(found.file), self),
            submodule_search_locations=[str(found.file.parent)] if is_package else None,
        )

    def imported(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Import a module as the user's files ask for it, in place of Python's `__import__`."""
        top = name.partition(".")[0]
        if level or not is_beside(self._folder, top):
            found = builtins.__import__(name, globals, locals, fromlist, level)
            return self._importlib(found) if found is importlib else found
        found = builtins.__import__(f"{self.package}.{name}", globals, locals, fromlist, 0)
        return found if fromlist else sys.modules[f"{self.package}.{top}"]

    def _importlib(self, real: ModuleType) -> ModuleType:
        """A copy of importlib whose import_module finds modules beside the network file."""

        def import_module(name: str, package: str | None = None) -> ModuleType:
            beside = not name.startswith(".") and is_beside(self._folder, name.partition(".")[0])
            return importlib.import_module(f"{self.package}.{name}" if beside else name, package)

        copy = ModuleType(real.__name__, real.__doc__)
        vars(copy).update(vars(real) | {"import_module": import_module})
        return copy

    def load(self) -> ModuleType:
        """Run the network file, and what it imports beside it, afresh."""
        for name in list(sys.modules):
            if name == self.package or name.startswith(f"{self.package}."):
                del sys.modules[name]
        sys.meta_path[:] = [
            finder
            for finder in sys.meta_path
            if not (isinstance(finder, _Beside) and finder.package == self.package)
        ]
        sys.meta_path.insert(0, self)
        return importlib.import_module(f"{self.package}.{'.'.join(self._network.parts)}")

    def where(self, error: BaseException) -> str:
        """The last line of the user's files that an error passed through, if any."""
        lines = [
            f"{frame.filename}, line {frame.lineno}"
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename) in self._files
        ]
        if isinstance(error, SyntaxError) and error.filename is not None:
            lines.append(f"{error.filename}, line {error.lineno}")
        return lines[-1] if lines else str(self._network.file)


def own_network(
    num_classes: int, *, path: str, function: str, arguments: Mapping[str, Any] = NO_ARGUMENTS
) -> nn.Module:
    """Build a network with a function of the user's Python file.

    Args:
        num_classes: Number of classes, the first argument of the function.
        path: The file. It may import files beside it.
        function: Name of the function.
        arguments: Its keyword arguments.

    Returns:
        The network that the function returns.

    Raises:
        UserError: The file cannot be run, or has no such function. Or the function fails, or does
            not return a torch Module.
    """
    if not path.endswith(".py"):
        raise UserError(
            f"{path}: not a Python file. Give a file that ends with .py as architecture.path."
        )
    beside = _Beside(Path(path).absolute())
    try:
        network = getattr(beside.load(), function)(num_classes, **arguments)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        said = str(error).replace(f"{beside.package}.", "")
        raise UserError(
            f"{beside.where(error)}: {type(error).__name__}: {said}. "
            "The file is run, and then "
            f"{function}(num_classes={num_classes}, **{dict(arguments)}) is called in it."
        ) from error
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{path}: {function} returned a {type(network).__name__}. "
            "It must return a torch.nn.Module."
        )
    return network
