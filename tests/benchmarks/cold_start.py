"""How long each kind of job takes until its imports are done, and how long the two commands take to start."""

import ast
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from .checkouts import Checkout
from .frame import Benchmark, Variant

TORCH = "import torch"
# The end of a process is not part of its start, and large libraries take a while to end.
END = "import os\nos._exit(0)"


def import_lines(script: Path) -> str:
    """The import statements of a script at its top level, which run whenever the job starts."""
    statements = ast.parse(script.read_text(encoding="utf-8")).body
    imports = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, imports))


def method_lines(folder: Path) -> dict[str, str]:
    """The imports of a search with each method. It imports the method when it has begun."""
    scripts = folder / "workflow" / "scripts"
    lines = import_lines(scripts / "run_search.py")
    methods = sorted((scripts / "paretopress" / "methods").glob("[!_]*.py"))
    return {
        f"run_search.py with methods/{file.name}": f"{lines}\nimport paretopress.methods.{file.stem}"
        for file in methods
    }


def commands(folder: Path) -> dict[str, tuple[str, ...]]:
    """The arguments of Python for each start: the yardsticks, every script of a rule, the commands."""
    scripts = sorted((folder / "workflow" / "scripts").glob("*.py"))
    return {
        "python -c pass": ("-c", "pass"),
        TORCH: ("-c", f"{TORCH}\n{END}"),
        **{script.name: ("-c", f"{import_lines(script)}\n{END}") for script in scripts},
        **{name: ("-c", f"{lines}\n{END}") for name, lines in method_lines(folder).items()},
        "snakemake --list-rules": ("-m", "snakemake", "--list-rules"),
        "paretopress status --help": ("-m", "paretopress", "status", "--help"),
    }


def started(checkout: Checkout, arguments: tuple[str, ...]) -> Mapping[str, float]:
    return {"start": checkout.python(*arguments).wall}


def variants(checkout: Checkout) -> dict[str, Variant]:
    starts = commands(checkout.folder)
    for arguments in starts.values():  # compiles the modules, and has the files read from the disk
        checkout.python(*arguments)
    return {name: partial(started, checkout, arguments) for name, arguments in starts.items()}


BENCHMARK = Benchmark(variants, yardstick=TORCH)
