"""Train one network."""

from pathlib import Path
from typing import Any

import torch

from paretopress.compression.devices import described
from paretopress.compression.tally import accuracy
from paretopress.dataset.split import load_split
from paretopress.jobs.gate import Chance, check_training, diverged
from paretopress.jobs.job import job
from paretopress.jobs.journal import Journal
from paretopress.jobs.progress import epoch_reporter
from paretopress.networks.build import build_network, check_keep, initialize
from paretopress.networks.builds import check_builds
from paretopress.networks.checkpoints import Checkpoint
from paretopress.networks.facts import facts_of, image_facts, label_facts, largest_share
from paretopress.networks.history import Epoch, history_of, history_table
from paretopress.networks.not_finite import untrained_facts
from paretopress.networks.training import (
    PRECISIONS,
    NonFiniteLoss,
    Recipe,
    train,
    training_device,
)
from paretopress.networks.trial import check_network
from paretopress.networks.weights import save_weights
from paretopress.tables import write_csv

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    params, name = snakemake.params, snakemake.wildcards.network
    device = training_device(params.device)
    settings = {key: value for key, value in params.training.items() if key != "recipe"}
    recipe = Recipe(**settings)
    split, validation = (
        load_split(Path(snakemake.input[kind])) for kind in ("train", "validation")
    )
    work.log.info("%s: trained in %s on %s", name, recipe.precision, described(device))

    key = work.fingerprint([params.architecture, settings])
    journal = Journal(Path(params.journal), key)
    checkpoint = Checkpoint(Path(params.journal) / "checkpoint", key)
    state = checkpoint.load()
    say = epoch_reporter(work.log, journal, name, recipe.epochs, history_of(state))

    chances = {
        kind: Chance(largest_share(images.labels), len(images))
        for kind, images in (("training", split), ("validation", validation))
    }

    splits = {"train": split, "validation": validation}
    classes, size = len(split.classes), split.images.shape[-1]
    check_keep(params.keep, params.architectures, classes)
    network = build_network(params.architecture, classes)
    check_network(network, classes, size)
    check_builds(params.architecture, classes, size)
    torch.manual_seed(recipe.seed)
    initialize(network, params.architecture, classes)

    def tests() -> dict[str, Any]:
        """Test images, labels and scores before a recipe is blamed."""
        return facts_of(network.to("cpu"), splits, "validation")

    def check(history: list[Epoch]) -> None:
        """Stop a training that stays at chance, if the gate asks for it."""
        if params.gate["above_chance"] and history:
            epochs = params.gate["epochs"]
            check_training(name, params.training, history, chances, epochs, tests)

    def report(history: list[Epoch]) -> None:
        """Log the latest epoch, then check the training."""
        say(history)
        check(history)

    if state is not None:
        network.load_state_dict(state["network"])
    check(history_of(state))
    try:
        history = train(
            network,
            split,
            recipe,
            lambda trained: accuracy(trained, validation, recipe.batch_size, device),
            report,
            state=state,
            save=checkpoint.save,
            device=device,
        )
    except NonFiniteLoss as error:
        untrained = build_network(params.architecture, classes)
        torch.manual_seed(recipe.seed)
        initialize(untrained, params.architecture, classes)
        facts = {
            "images": {"train": image_facts(split)},
            "labels": label_facts(splits),
            "untrained": untrained_facts(
                untrained, split, recipe.batch_size, lambda: PRECISIONS[recipe.precision]("cpu")
            ),
        }
        told = diverged(name, params.training, error.epoch, error.step, error.loss, facts)
        raise told from error
    save_weights(network, Path(snakemake.output.weights))
    write_csv(history_table(history), snakemake.output.history)
    journal.close()
