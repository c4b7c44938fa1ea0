"""Fine-tune a design before its files are written."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ..compression.devices import described
from ..compression.plans import Plan
from ..compression.pruning import Pruned
from ..compression.tally import accuracy
from ..errors import UserError
from ..jobs.versions import versions
from ..networks.checkpoints import Checkpoint
from ..networks.fine_tuning import fine_tune
from ..networks.history import Epoch, history_of
from ..networks.training import NonFiniteLoss, Recipe, training_device
from ..words import counted
from .exported import FineTuned
from .measuring import TEST
from .source import TRAINING, Source


def _folder(source: Source, plan: Plan) -> Path:
    return source.progress / plan.design_id


def forget(source: Source, plan: Plan) -> None:
    """Remove what an unfinished fine-tuning of a design would go on from."""
    shutil.rmtree(_folder(source, plan), ignore_errors=True)


def _checkpoint(source: Source, plan: Plan, recipe: Recipe) -> Checkpoint:
    told = json.dumps([source.made_from, plan.design_id, asdict(recipe), versions()])
    job = hashlib.sha256(told.encode()).hexdigest()
    return Checkpoint(_folder(source, plan), job)


def _tuned(source: Source, plan: Plan, pruned: Pruned, recipe: Recipe) -> Pruned:
    """Fine-tune a design on the training images, on from its last finished epoch."""
    checkpoint, device = _checkpoint(source, plan, recipe), training_device(source.device)
    state = checkpoint.load()
    epochs = counted(recipe.epochs, "epoch")
    done = len(history_of(state))
    source.say(
        f"fine-tuning for {epochs} on {described(device)}"
        + (f", on from epoch {done}" if done else "")
    )

    def report(history: Sequence[Epoch]) -> None:
        """Say what the last epoch brought."""
        last = history[-1]
        source.say(
            f"epoch {last.epoch} of {recipe.epochs}: loss {last.loss:.4f}, "
            f"{last.validation_accuracy:.2%} of the {source.search} images"
        )

    images = source.splits[source.search]
    try:
        return fine_tune(
            pruned,
            plan,
            source.splits[TRAINING],
            recipe,
            lambda network: accuracy(network, images, source.batch_size, device),
            report,
            keep=source.mapped.moves.keep,
            state=state,
            save=checkpoint.save,
            device=device,
        )
    except NonFiniteLoss as error:
        raise UserError(
            f"{source.network}, design {plan.design_id}: the loss of step {error.step} in epoch "
            f"{error.epoch} of its fine-tuning is {error.loss}. Lower fine_tune.learning_rate "
            f"(now {recipe.learning_rate:g}), or leave fine_tune out."
        ) from error


def compressed(source: Source, plan: Plan) -> tuple[Pruned, FineTuned | None]:
    """The float network of a design, trained on if the source has a recipe.

    A fine-tuning goes on after its last finished epoch, and ends with the same bytes as if it never
    stopped. It keeps the zeros and the bits.

    Args:
        source: What the export is made from.
        plan: The plan of the design.

    Returns:
        The network, and its fine-tuning: None if it is as searched.

    Raises:
        UserError: The loss is not finite.
        Stopped: The process was asked to stop. It stops after the epoch.
    """
    pruned = source.mapped.pruned(plan)
    if source.recipe is None:
        return pruned, None
    before = {
        split: accuracy(pruned.network, source.splits[split], source.batch_size)
        for split in dict.fromkeys((source.search, TEST))
    }
    fine_tuned = FineTuned(asdict(source.recipe), before)
    return _tuned(source, plan, pruned, source.recipe), fine_tuned
