"""The types of numbers in a config. A field of a method's class may have one of them too."""

from typing import Annotated

from pydantic import Field

Count = Annotated[int, Field(ge=1, le=10**9)]
Population = Annotated[int, Field(ge=2, le=10_000)]
Folds = Annotated[int, Field(ge=2, le=10)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
