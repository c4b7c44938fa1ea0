"""Time one evaluation of each kind and one search step of each method, for a forecast."""

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

import numpy as np

from ..compression.designs import SearchSpace, sample_vectors
from ..compression.evaluation import Evaluator, Measurement
from ..compression.layers import Layout, layer_name, tensor_name
from ..compression.packed_size import bytes_rate
from ..compression.plans import Plan, canonical
from ..compression.tally import tally
from ..config.study import Study
from ..config.variables import Design
from ..dataset.split import Split, few_of
from ..jobs.journal import Journal
from ..jobs.machine import peak_memory, reset_peak_memory
from ..methods import build_method
from ..networks.mapped import MappedNetwork
from ..search.archive import Archive, Evaluation, Target
from ..search.selection import RANDOM_CHOICE
from .forecast import Kind, Step, Times

DESIGNS = 300  # of the sample that the shares of the kinds come from
MOST = 1_000  # evaluations in the archive of a search step
FIRST = 8  # images that tell how many more there is time for
EACH, LONG = 3, 2.0  # evaluations of a kind that are timed, and seconds after which no more are
PART = 4  # of the share of the images, for the shorter of two times
METRICS = ("objective_metric", "constraint_metric")
Drawn = Sequence[tuple[Design, Plan]]
Sort = tuple[bool, bool]  # whether anything changes outside of the Linear layers, and int8


def timer(network: MappedNetwork, split: Split, batch_size: int) -> Callable[[Plan], float]:
    """The function that evaluates a plan as a search does, and returns the seconds of it.

    All that is known here of how an evaluation runs is in this function.
    """
    evaluate = Evaluator(network, split, batch_size)
    return lambda plan: evaluate(plan).seconds


def images_within(network: MappedNetwork, split: Split, batch_size: int, seconds: float) -> int:
    """The images of a split that a pass over them reaches in so many seconds, at least FIRST."""
    dense, first = network.fresh(), few_of(split, FIRST)
    tally(dense, first, batch_size, network.device)  # which reads the weights
    start = perf_counter()
    tally(dense, first, batch_size, network.device)
    each = (perf_counter() - start) / len(first)
    return min(len(split), max(FIRST, int(seconds / each)))


def continued(seconds: float, longer: float, shorter: float, share: float) -> float:
    """The time with all images, by times with a share of them.

    Args:
        seconds: The time with the share.
        longer: That of another evaluation with the share.
        shorter: That of the other one with a PART of the share.
        share: The share of the images, in (0, 1].
    """
    of_share = max(0.0, longer - shorter) / (1 - 1 / PART)
    return seconds + of_share * (1 / share - 1)


def several(seconds_of: Callable[[Plan], float], plans: Sequence[Plan]) -> list[float]:
    """The seconds of each of the first plans, of fewer if they take long."""
    found: list[float] = []
    for plan in plans[:EACH]:
        found.append(seconds_of(plan))
        if sum(found) > LONG:
            break
    return found


def light_plan(plan: Plan, convolutions: bool, layout: Layout) -> Plan:
    """A plan of the same kind that takes little time beside the images: one zero in a small layer."""
    layers = [layer for layer in (layout.conv if convolutions else layout.linear) if layer.weight]
    smallest = min(layers, key=lambda layer: layer.weight, default=None)
    zeros = ((tensor_name(smallest.name, "weight"), 1),) if smallest and plan.changed else ()
    return Plan(zeros, plan.quantized, plan.ties)


@dataclass(frozen=True)
class Timing:
    """How evaluations are timed.

    Attributes:
        network: The network. Its weights need not be trained.
        split: The images of the search, or some of them.
        batch_size: Images in a batch.
        images, repaired: The images of a whole evaluation, and those of a whole repair.
        seconds: Those of a pass over the images that are timed. The time of others follows.
    """

    network: MappedNetwork
    split: Split
    batch_size: int
    images: int
    repaired: int
    seconds: float

    def _with(self, share: float, warm: Iterable[Plan]) -> Callable[[Plan], float]:
        """The timer with a share of the images of the evaluation, and of those of the repair."""
        network, images = self.network, max(1, round(share * self.images))
        if repair := network.moves.repair:
            few = replace(repair, order=repair.order[: max(2, round(share * self.repaired))])
            network = replace(network, moves=replace(network.moves, repair=few))
        seconds_of = timer(network, few_of(self.split, images), self.batch_size)
        for plan in warm:  # which measure what later ones share
            seconds_of(plan)
        return seconds_of

    def of_kinds(self, kinds: Mapping[Sort, Sequence[Plan]], layout: Layout) -> dict[Sort, float]:
        """The seconds of an evaluation of each kind, by some of its plans."""
        light = {kind: light_plan(plans[0], kind[0], layout) for kind, plans in kinds.items()}
        warm = light.values()
        images = images_within(self.network, self.split, self.batch_size, self.seconds)
        share = min(1.0, images / self.images)
        seconds_of = self._with(share, warm)
        found = {kind: fmean(several(seconds_of, plans)) for kind, plans in kinds.items()}
        if share == 1:
            return found
        shorter_of = self._with(share / PART, warm)
        for kind, plan in light.items():
            # The least of each, as other work makes a time only longer.
            longer, shorter = (min(several(of, [plan] * EACH)) for of in (seconds_of, shorter_of))
            found[kind] = continued(found[kind], longer, shorter, share)
        return found


def drawn(space: SearchSpace, layout: Layout, count: int) -> Drawn:
    """Draw designs uniformly, always the same ones: their canonical forms and plans."""
    vectors = sample_vectors(space, count, np.random.default_rng(0))
    return [canonical(space.design(vector), layout, 0) for vector in vectors]


def kinds_of(designs: Drawn, layout: Layout) -> dict[Sort, list[Plan]]:
    """Sort plans by kind, each network once, as a search evaluates it."""
    linear = {layer.name for layer in layout.linear}
    found: dict[Sort, list[Plan]] = {}
    for plan in {plan.design_id: plan for _, plan in designs}.values():
        convolutions = not {layer_name(tensor) for tensor in plan.changed} <= linear
        found.setdefault((convolutions, plan.quantized), []).append(plan)
    return found


def time_step(
    method: Mapping[str, Any], space: SearchSpace, layout: Layout, size: str, designs: Drawn
) -> Step:
    """Time a method's search on made-up evaluations of a network's layout.

    Args:
        method: Its implementation and its settings, as `Study.methods_by_name` gives them.
        space: The search space.
        layout: The layout of the network.
        size: The size that is minimised.
        designs: The evaluated designs with which the search begins.
    """

    def evaluate(plan: Plan) -> Measurement:
        rate = min(1.0, bytes_rate(plan, layout))
        return Measurement(rate, 1 - (1 - rate) ** 4, 0.0)

    initial = [
        Evaluation(
            number, "initial", 0, plan.design_id, design,
            (made := evaluate(plan)).nonzero_rate, made.nonzero_rate, made.accuracy, 0.0,
        )
        for number, (design, plan) in enumerate(designs, start=1)
    ]  # fmt: skip
    threshold = min(0.99, float(np.median([evaluation.accuracy for evaluation in initial])))
    target = Target(space, layout, 0, evaluate, threshold, size)
    budget = len(initial) + method["settings"].get("infills", 1)
    reset_peak_memory()
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), "made up")
        archive = Archive(target, budget, 0, initial, journal)
        build_method(**method).run(archive, lambda _: None)
        journal.keep()
    own = sum(evaluation.phase != "initial" for evaluation in archive.evaluations)
    searching = sum(step["seconds"] for step in archive.timings if step["step"] == "search")
    return Step(len(archive.evaluations) - own, searching / max(1, own), peak_memory())


def _alike(method: Mapping[str, Any]) -> str:
    """What the time of a search depends on: all but which scores compare the surrogates."""
    settings = method["settings"]
    scored = {name: settings[name] == RANDOM_CHOICE for name in METRICS if name in settings}
    return json.dumps([method["implementation"], settings | scored], sort_keys=True)


def time_network(timing: Timing, space: SearchSpace, study: Study, threads: int) -> Times:
    """Measure what a forecast of one network needs.

    Args:
        timing: How its evaluations are timed.
        space: The search space of the study.
        study: The study.
        threads: The threads that torch computes with.

    Returns:
        The times.
    """
    layout, methods, size = timing.network.layout(), study.methods_by_name(), study.objectives.size
    middle = min(MOST, (study.budget.initial + study.budget.evaluations) // 2)
    designs = drawn(space, layout, max(DESIGNS, middle))
    kinds = kinds_of(designs[:DESIGNS], layout)
    count = sum(map(len, kinds.values()))
    reset_peak_memory()
    seconds = timing.of_kinds(kinds, layout)
    memory = peak_memory()
    different = {plan.design_id: (design, plan) for design, plan in designs}
    archive = list(different.values())[:middle]
    alike = {_alike(method): method for method in methods.values()}
    steps = {key: time_step(method, space, layout, size, archive) for key, method in alike.items()}
    return Times(
        threads,
        memory,
        tuple(Kind(*kind, len(plans) / count, seconds[kind]) for kind, plans in kinds.items()),
        {name: steps[_alike(method)] for name, method in methods.items()},
    )
