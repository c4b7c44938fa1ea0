"""What every section of the config is made of: strict models, the types of single values, the error of a check."""

from collections import Counter
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

Listed = TypeVar("Listed", bound=list[Any])


def refuse(what: str, allowed: str, key: str = "") -> PydanticCustomError:
    """The error of a check that types cannot express; `key` is the key to blame within the section that is checked."""
    return PydanticCustomError("refused", "{what}", {"what": what, "allowed": allowed, "key": key})


def distinct(values: Listed) -> Listed:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise refuse(f"{repeated[0]!r} stands in it more than once", "each value once")
    return values


NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
ADDRESS = r"^https?://\S+$"
SHA256 = r"^[0-9a-fA-F]{64}$"

Name = Annotated[str, StringConstraints(pattern=NAME)]
Address = Annotated[str, StringConstraints(pattern=ADDRESS)]
Checksum = Annotated[str, StringConstraints(pattern=SHA256, to_lower=True)]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Positive = Annotated[float, Field(gt=0)]
Metric = Literal["mse", "mape", "spearman", "random"]
Metrics = Annotated[list[Metric], Field(min_length=1), AfterValidator(distinct)]
ImageSize = Annotated[int, Field(ge=32, le=1024)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)
