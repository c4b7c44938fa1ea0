"""The section `evaluation_tables`: evaluations made elsewhere, judged and drawn beside the study's own runs, or alone."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from .base import Checksum, Count, FilePath, Fraction, Name, Section, distinct

# The names in a table are read without the spaces around them, too.
ColumnName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Columns(Section):
    network: ColumnName = Field("network", description="Name of the network")
    method: Annotated[list[ColumnName], Field(min_length=1), AfterValidator(distinct)] = Field(
        ["method"],
        description="Name of the method: the texts of these columns joined by '-', empty ones left out",
    )
    seed: ColumnName = Field(
        "seed",
        description="Seed or number of the run, a whole number; runs of equal seed are one block",
    )
    evaluation: ColumnName = Field(
        "evaluation", description="Number of the evaluation within its run, from 1"
    )
    accuracy: ColumnName = Field("accuracy", description="Accuracy as a fraction")
    nonzero_rate: ColumnName = Field(
        "nonzero_rate",
        description="Non-zero rate as a fraction; one below 0 is taken as given and marked",
    )
    phase: ColumnName = Field(
        "phase",
        description="May be absent: initial for designs of the initial sample, else any word",
    )
    iteration: ColumnName = Field("iteration", description="May be absent: iteration of the method")
    linear_scope: ColumnName = Field("linear_scope", description="May be absent: x1")
    conv_scope: ColumnName = Field("conv_scope", description="May be absent: x2")
    linear_amount: ColumnName = Field("linear_amount", description="May be absent: x3")
    conv_amount: ColumnName = Field("conv_amount", description="May be absent: x4")
    linear_target: ColumnName = Field("linear_target", description="May be absent: x5")
    conv_target: ColumnName = Field("conv_target", description="May be absent: x6")
    quantization: ColumnName = Field("quantization", description="May be absent: x7")
    seconds: ColumnName = Field(
        "seconds",
        description="May be absent: seconds that the evaluation took; may be empty in single rows",
    )


class TableNetwork(Section):
    threshold: Fraction = Field(
        description="tau of these evaluations: the least accuracy that is feasible, as a fraction"
    )
    dense_accuracy: Fraction | None = Field(
        None, description="Accuracy of the dense network on the same images, where it is known"
    )
    images: Count | None = Field(
        None, description="How many images accuracy was measured on, where it is known"
    )


class EvaluationTable(Section):
    path: FilePath = Field(description="A CSV file, plain or compressed with gzip")
    checksum: Checksum | None = Field(None, description="SHA-256 that the file must have")
    networks: Annotated[dict[Name, TableNetwork], Field(min_length=1)] = Field(
        description="The networks in the table, by name"
    )
    columns: Columns = Field(Columns(), description="What the columns are called there")
