"""What every section of the config is made of: strict models, the types of single values, the error of a check."""

import re
from collections import Counter
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Listed = TypeVar("Listed", bound=list[Any])


def refuse(what: str, allowed: str, *key: str) -> PydanticCustomError:
    """The error of a check that types cannot express; `key` is the path of the key to blame within the section that is checked."""
    return PydanticCustomError("refused", "{what}", {"what": what, "allowed": allowed, "key": key})


def distinct(values: Listed) -> Listed:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise refuse(f"{repeated[0]!r} stands in it more than once", "each value once")
    return values


# Names become names of files, with up to 50 characters beside them; file systems take 255.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
# Snakemake reads what stands in {} as a wildcard and in <> as a variable of the path.
PATH = r"^[^{}<>\x00-\x1f\x7f]+$"
ADDRESS = r"^https?://\S+$"
SHA256 = r"^[0-9a-fA-F]{64}$"

# Snakemake refuses the value of a wildcard that ends like this, since it could come from a rule that feeds itself.
REPEATED = re.compile(r"(.+)\1{19}$")


def is_repetition(name: str) -> bool:
    """Whether a name ends with one text at least 20 times over."""
    return REPEATED.search(name) is not None


def _no_repetition(name: str) -> str:
    if is_repetition(name):
        raise refuse(
            "it ends with one text 20 times over, which Snakemake refuses",
            "a name that does not repeat itself so often",
        )
    return name


Name = Annotated[str, StringConstraints(pattern=NAME), AfterValidator(_no_repetition)]
Address = Annotated[str, StringConstraints(pattern=ADDRESS)]
Checksum = Annotated[str, StringConstraints(pattern=SHA256, to_lower=True)]
FilePath = Annotated[str, StringConstraints(pattern=PATH)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Population = Annotated[int, Field(ge=2, le=10_000)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Positive = Annotated[float, Field(gt=0)]
Metric = Literal["mse", "mape", "spearman", "random"]
Metrics = Annotated[list[Metric], Field(min_length=1), AfterValidator(distinct)]
ImageSize = Annotated[int, Field(ge=32, le=1024)]


def is_table_of_a_network(method: str) -> bool:
    """Whether the folder of a method's runs would have the name of a table beside it: results/{study}/runs/{network}/evaluations.csv."""
    return method.lower().endswith(".csv")


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
