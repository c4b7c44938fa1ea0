"""The section `inference_time`: how the networks of the final front are timed."""

from typing import Annotated

from pydantic import Field

from .base import Count, Section


class InferenceTime(Section):
    threads: Count = Field(
        1,
        description="Threads that a network computes with; the job itself has the machine to itself",
    )
    batch_size: Count = Field(200, description="Images in each batch")
    repeats: Count = Field(5, description="Timed passes of each network over all test images")
    warm_up: Annotated[int, Field(ge=0)] = Field(1, description="Untimed batches before each pass")
