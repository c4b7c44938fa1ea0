"""One search: its objectives, its archive of true evaluations, surrogates and CTAEA.

Example:
    A search of two networks, with a made-up evaluation. `docs/library.md` has a real one.

    >>> import tempfile
    >>> from pathlib import Path
    >>> from paretopress.compression.designs import space_of
    >>> from paretopress.compression.evaluation import Measurement
    >>> from paretopress.compression.layers import Layer, Layout
    >>> from paretopress.jobs.journal import Journal
    >>> from paretopress.search.archive import Archive, Evaluation, Target, sample_initial
    >>> layout = Layout(linear=(Layer("0", weight=99, bias=0),), conv=(), quantizable=True)
    >>> target = Target(
    ...     space=space_of({}),  # the paper's
    ...     layout=layout,
    ...     seed=1,
    ...     evaluate=lambda plan: Measurement(nonzero_rate=0.2, accuracy=0.9, seconds=0.01),
    ...     threshold=0.85,
    ... )
    >>> (design, plan), (other, _) = sample_initial(target, count=2, seed=1)
    >>> first = Evaluation(1, "initial", 0, plan.design_id, design, 0.5, 0.6, 0.8, seconds=0.4)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     journal = Journal(Path(folder) / "journal", "example")
    ...     archive = Archive(target, budget=3, seed=1, initial=[first], journal=journal)
    ...     archive.take_initial(1)
    ...     archive.evaluate(other, "infill", iteration=1).accuracy
    0.9
    >>> archive.left, archive.front().tolist()  # the initial design is below the threshold
    (1, [[0.2, -0.9]])
"""
