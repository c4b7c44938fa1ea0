"""Train one network."""

from pathlib import Path

import torch

from paretopress.compression.tally import accuracy
from paretopress.dataset.split import load_split
from paretopress.jobs.gate import Chance, check_training, diverged
from paretopress.jobs.job import job
from paretopress.jobs.journal import Journal
from paretopress.jobs.progress import epoch_reporter
from paretopress.networks.build import build_network, check_keep, check_network
from paretopress.networks.chance import largest_share
from paretopress.networks.checkpoints import Checkpoint
from paretopress.networks.history import Epoch, history_of, history_table
from paretopress.networks.training import (
    NonFiniteLoss,
    Recipe,
    described,
    train,
    training_device,
)
from paretopress.networks.weights import save_weights
from paretopress.tables import write_csv

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    params, name, device = snakemake.params, snakemake.wildcards.network, training_device()
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

    def check(history: list[Epoch]) -> None:
        """Stop a training that stays at chance, if the gate asks for it."""
        if params.gate["above_chance"] and history:
            check_training(name, params.training, history, chances, params.gate["epochs"])

    def report(history: list[Epoch]) -> None:
        """Log the latest epoch, then check the training."""
        say(history)
        check(history)

    check(history_of(state))
    check_keep(params.keep, params.architectures, len(split.classes))
    torch.manual_seed(recipe.seed)
    network = build_network(params.architecture, len(split.classes))
    check_network(network, len(split.classes), split.images.shape[-1])
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
        raise diverged(name, params.training, error.epoch, error.step, error.loss) from error
    save_weights(network, Path(snakemake.output.weights))
    write_csv(history_table(history), snakemake.output.history)
    journal.close()
