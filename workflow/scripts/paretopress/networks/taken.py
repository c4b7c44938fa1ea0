"""What was taken from a file of weights, for people and as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..words import listed

SHOWN = 3


@dataclass(frozen=True)
class Taken:
    """What was taken from a file of weights. `dataclasses.asdict` makes plain data of it.

    Attributes:
        format: "safetensors" or "PyTorch".
        tensors: Number of tensors of the network that the file gave.
        entry: The entry of the checkpoint that was used, such as "state_dict"; "" if the file has
            nothing else.
        also: Entries and prefixes that fit too, and were not used.
        prefix: What was removed before the names of the file.
        added: What was put before them instead.
        renamed: The names of the network by other names of the file, beside the prefix.
        left_out: The names of the file that were not needed, each with the reason.
        kept: Names of what the file lacks, and what stays as the network was built.
        casts: Number of tensors by change of their type, such as "float16 to float32".
    """

    format: str
    tensors: int
    entry: str = ""
    also: tuple[str, ...] = ()
    prefix: str = ""
    added: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    casts: Mapping[str, int] = field(default_factory=dict)

    def notes(self) -> list[str]:
        """Say all of it in short sentences, such as "tensors cast from float16 to float32: 8"."""
        entry = f", entry {self.entry}" if self.entry else ""
        said = [f"tensors taken: {self.tensors:,}, from a {self.format} file{entry}"]
        if self.also:
            said.append(f"fits too, and was not used: {', '.join(self.also)}")
        if self.prefix:
            said.append(f"prefix removed from the names in the file: {self.prefix}")
        if self.added:
            said.append(f"prefix put before the names in the file: {self.added}")
        if self.renamed:
            old, new = next(iter(self.renamed.items()))
            count = f"{len(self.renamed):,}, such as {old} for {new}"
            said.append(f"names spelled otherwise in the file: {count}")
        for reason in dict.fromkeys(self.left_out.values()):
            names = [name for name, why in self.left_out.items() if why == reason]
            said.append(f"left out ({reason}): {_listed(names)}")
        if self.kept:
            said.append(f"not in the file, and kept as the network was built: {_listed(self.kept)}")
        return said + [f"tensors cast from {change}: {n:,}" for change, n in self.casts.items()]


def _listed(names: Sequence[str]) -> str:
    return f"{len(names):,} ({listed(names, SHOWN)})"
