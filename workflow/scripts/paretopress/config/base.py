"""The parts that all sections of the config share: a strict model, types of values, an error."""

import re
from collections import Counter
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Listed = TypeVar("Listed", bound=list[Any])


def refuse(what: str, allowed: str, *key: str) -> PydanticCustomError:
    """Make the error of a check that types cannot express.

    Args:
        what: The problem.
        allowed: What is allowed instead.
        *key: The path of the wrong key within the section that is checked.

    Returns:
        The error, to be raised in a validator of pydantic.
    """
    return PydanticCustomError("refused", "{what}", {"what": what, "allowed": allowed, "key": key})


def distinct(values: Listed) -> Listed:
    """Return a list unchanged if each of its values is there once.

    Args:
        values: The list.

    Returns:
        The same list.

    Raises:
        PydanticCustomError: A value is there more than once.
    """
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise refuse(f"{repeated[0]!r} is listed more than once", "each value once")
    return values


# A name becomes part of a file name with up to 50 more characters. File systems allow 255.
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
# In a path, Snakemake reads {} as a wildcard and <> as a variable.
PATH = r"^[^{}<>\x00-\x1f\x7f]+$"
ADDRESS = r"^https?://\S+$"
SHA256 = r"^[0-9a-fA-F]{64}$"

# Snakemake refuses a wildcard value that ends like this, since a rule that feeds itself could have
# made it.
REPEATED = re.compile(r"(.+)\1{19}$")


def is_repetition(name: str) -> bool:
    """Tell whether a name ends with at least 20 repetitions of one text."""
    return REPEATED.search(name) is not None


def _no_repetition(name: str) -> str:
    if is_repetition(name):
        raise refuse(
            "it ends with 20 repetitions of one text, which Snakemake refuses",
            "a name without so many repetitions",
        )
    return name


Name = Annotated[str, StringConstraints(pattern=NAME), AfterValidator(_no_repetition)]
Address = Annotated[str, StringConstraints(pattern=ADDRESS)]
Checksum = Annotated[str, StringConstraints(pattern=SHA256, to_lower=True)]
FilePath = Annotated[str, StringConstraints(pattern=PATH)]
Metric = Literal["mse", "mape", "spearman", "random"]
Metrics = Annotated[list[Metric], Field(min_length=1), AfterValidator(distinct)]
ImageSize = Annotated[int, Field(ge=32, le=1024)]


def is_table_of_a_network(method: str) -> bool:
    """Tell whether the folder of a method's runs could have the name of a table beside it.

    Args:
        method: The name of the method. Its folder is results/{study}/runs/{network}/{method}, and
            the tables are beside it, such as results/{study}/runs/{network}/evaluations.csv.

    Returns:
        True if the name ends like that of a table.
    """
    return method.lower().endswith(".csv")


class Section(BaseModel):
    """A section of the config: unknown keys, other types and infinite numbers are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
