"""What Optuna's samplers share: a study that has the evaluations of an archive."""

from collections.abc import Iterator

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import create_trial

from ..search.archive import Archive

# Optuna tells on the terminal of each study that is created.
optuna.logging.set_verbosity(optuna.logging.WARNING)


def sampled(archive: Archive, sampler: BaseSampler, asks: int) -> Iterator[np.ndarray]:
    """Ask a sampler for designs, one after the other.

    The study is made anew from the evaluations. So what is proposed depends on them and on the
    sampler's seed alone. The sampler knows what it proposed before in this iteration, and is told
    the results of known networks, which cost nothing.

    Args:
        archive: The evaluations so far.
        sampler: The sampler, which must be new.
        asks: The number of proposals.

    Yields:
        Proposals, vectors of shape (d,).
    """
    space = archive.target.space
    # All variables are ordered. With a categorical one, Optuna would model less.
    distributions: dict[str, BaseDistribution] = {
        known.name: FloatDistribution(*known.interval)
        if known.interval
        else IntDistribution(0, len(known.values) - 1)
        for known in space.free
    }
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=sampler)
    # Amounts without effect are 0, which is below their lower bound.
    vectors = np.clip(archive.vectors(), space.lower(), space.upper())
    rows = zip(vectors, archive.objectives(), archive.constraint(), strict=True)
    study.add_trials(
        create_trial(
            params={
                name: int(value) if isinstance(distribution, IntDistribution) else float(value)
                for (name, distribution), value in zip(distributions.items(), vector, strict=True)
            },
            distributions=distributions,
            values=list(map(float, objectives)),
            constraints={"accuracy": float(violation)},
        )
        for vector, objectives, violation in rows
    )
    for _ in range(asks):
        asked = study.ask(distributions)
        vector = np.array([asked.params[name] for name in distributions], dtype=float)
        yield vector
        if archive.knows(design := space.design(vector)):
            known = [archive.evaluate(design, "infill", 0)]  # which costs nothing
            asked.set_constraint("accuracy", float(archive.constraint(known)[0]))
            study.tell(asked, list(map(float, archive.objectives(known)[0])))
