"""The section `evaluation_tables`: evaluations that were made elsewhere.

They are judged and drawn beside the study's own runs, or alone.
"""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, create_model

from .base import Checksum, FilePath, Name, Section, distinct
from .number_types import Count, Fraction
from .variables import VARIABLES

# Spaces around a name are removed here, as they are in the table.
ColumnName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _ColumnsOfAnyTable(Section):
    network: ColumnName = Field("network", description="Column with the name of the network")
    method: Annotated[list[ColumnName], Field(min_length=1), AfterValidator(distinct)] = Field(
        ["method"],
        description="Columns with the name of the method. Their texts are joined by '-', without "
        "empty ones",
    )
    seed: ColumnName = Field(
        "seed",
        description="Column with the seed or number of the run, a whole number. Runs of equal seed "
        "are one block",
    )
    evaluation: ColumnName = Field(
        "evaluation", description="Column with the number of the evaluation in its run, from 1"
    )
    accuracy: ColumnName = Field("accuracy", description="Column with the accuracy, as a fraction")
    nonzero_rate: ColumnName = Field(
        "nonzero_rate",
        description="Column with the non-zero rate, as a fraction. A rate below 0 is taken as "
        "given and marked",
    )
    bytes: ColumnName = Field(
        "bytes",
        description="Optional column with the bytes of the packed network, as a share of the dense "
        "network's",
    )
    phase: ColumnName = Field(
        "phase",
        description="Optional column. It holds initial for designs of the initial sample, and any "
        "other word for other designs",
    )
    iteration: ColumnName = Field(
        "iteration", description="Optional column with the iteration of the method"
    )


_keys: dict[str, Any] = {
    name: (
        ColumnName,
        Field(name, description=f"Optional column with variable {known.symbol or name}"),
    )
    for name, known in VARIABLES.items()
}
_ColumnsOfDesigns: Any = create_model("_ColumnsOfDesigns", __base__=_ColumnsOfAnyTable, **_keys)


class Columns(_ColumnsOfDesigns):
    """The names of the columns in a table of evaluations."""

    seconds: ColumnName = Field(
        "seconds",
        description="Optional column with the seconds that the evaluation took. Single rows may "
        "leave it empty",
    )


class TableNetwork(Section):
    """The facts about a network that a table of evaluations does not hold."""

    threshold: Fraction = Field(
        description="The accuracy floor tau of these evaluations, as a fraction"
    )
    dense_accuracy: Fraction | None = Field(
        None, description="Accuracy of the dense network on the same images, if it is known"
    )
    images: Count | None = Field(
        None, description="Number of images that accuracy was measured on, if it is known"
    )


class EvaluationTable(Section):
    """A table of evaluations that were made elsewhere."""

    path: FilePath = Field(description="A CSV file, plain or compressed with gzip")
    checksum: Checksum | None = Field(None, description="SHA-256 that the file must have")
    networks: Annotated[dict[Name, TableNetwork], Field(min_length=1)] = Field(
        description="The networks in the table, by name"
    )
    columns: Columns = Field(Columns(), description="Names of the columns in the table")
