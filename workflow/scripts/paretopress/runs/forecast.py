"""What a study will take, from the times of an evaluation of each kind and of a search step."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Kind:
    """The evaluations of one kind.

    Attributes:
        convolutions: Whether anything changes outside of the Linear layers.
        int8: Whether the Linear layers are quantised.
        share: Their share of the networks in a uniform sample of the search space, in [0, 1].
        seconds: The time of one.
    """

    convolutions: bool
    int8: bool
    share: float
    seconds: float


@dataclass(frozen=True)
class Step:
    """The search of a method.

    Attributes:
        taken: The designs of the initial sample that its run begins with, if there are so many.
        seconds: Its time for each evaluation of its own.
        memory: The peak memory of the search in bytes, that of its process included.
    """

    taken: int
    seconds: float
    memory: int


@dataclass(frozen=True)
class Times:
    """What was measured of one network.

    Attributes:
        threads: The threads that the times were measured with.
        memory: The peak memory of the evaluations in bytes, that of their process included.
        kinds: The kinds of evaluations that the search space has.
        steps: The search of each method, by its name.
    """

    threads: int
    memory: int
    kinds: tuple[Kind, ...]
    steps: Mapping[str, Step]

    @property
    def evaluation(self) -> float:
        """The mean seconds of an evaluation."""
        return sum(kind.share * kind.seconds for kind in self.kinds)


@dataclass(frozen=True)
class Cost:
    """Evaluations, with the seconds of them and of the searches for them, and the peak memory."""

    evaluations: int = 0
    evaluating: float = 0.0
    searching: float = 0.0
    memory: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.evaluations + other.evaluations,
            self.evaluating + other.evaluating,
            self.searching + other.searching,
            max(self.memory, other.memory),
        )

    @property
    def seconds(self) -> float:
        """All of its seconds."""
        return self.evaluating + self.searching


def times_json(times: Times) -> str:
    """Write what was measured, as forecast.json has it."""
    return json.dumps(asdict(times), indent=2) + "\n"


def read_times(text: str) -> Times:
    """Read the content of a forecast.json.

    Raises:
        ValueError, LookupError, TypeError: It is no such content.
    """
    told = json.loads(text)
    kinds = tuple(Kind(**kind) for kind in told["kinds"])
    steps = {name: Step(**step) for name, step in told["steps"].items()}
    return Times(told["threads"], told["memory"], kinds, steps)


def cost(times: Times, evaluations: int, step: Step | None = None) -> Cost:
    """The cost of so many evaluations, with a search for each if `step` is given."""
    if not evaluations:
        return Cost()
    search, memory = (step.seconds, step.memory) if step else (0.0, 0)
    return Cost(
        evaluations,
        evaluations * times.evaluation,
        evaluations * search,
        max(times.memory, memory),
    )


def taken(step: Step, initial: int, evaluations: int) -> int:
    """The evaluations of the initial sample in a run.

    Args:
        step: The search of its method.
        initial: The budget of the initial sample.
        evaluations: The budget of the run.
    """
    return min(step.taken, initial, evaluations)


def run_cost(times: Times, method: str, initial: int, evaluations: int) -> Cost:
    """The cost of a whole run with its initial sample, as `statistics.costs` sums it.

    Args:
        times: What was measured.
        method: A method of `times`.
        initial: The budget of the initial sample.
        evaluations: The budget of the run.
    """
    step = times.steps[method]
    of_sample = taken(step, initial, evaluations)
    return cost(times, of_sample) + cost(times, evaluations - of_sample, step)
