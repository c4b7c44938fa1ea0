"""The recipes: sets of values for `networks.NAME.training`, by name."""

from typing import Any, Final

# A recipe sets every key of the training except the seed and the precision.
RECIPES: dict[str, dict[str, Any]] = {
    "one_cycle": {
        "epochs": 30,
        "batch_size": 128,
        "optimizer": "adamw",
        "learning_rate": 5e-4,
        "weight_decay": 0.05,
        "schedule": "one_cycle",
        "augmentation": "none",
    },
    # Section 5 of the paper.
    "paper": {
        "epochs": 40,
        "batch_size": 50,
        "optimizer": "adam",
        "learning_rate": 1e-3,
        "weight_decay": 1e-3,
        "schedule": "constant",
        "augmentation": "none",
    },
    "paper_low_rate": {
        "epochs": 40,
        "batch_size": 50,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "weight_decay": 1e-3,
        "schedule": "constant",
        "augmentation": "none",
    },
    # Momentum, rate and decay are those of Simonyan and Zisserman (2015), section 3.1.
    "sgd_warmup": {
        "epochs": 30,
        "batch_size": 128,
        "optimizer": "sgd",
        "learning_rate": 1e-2,
        "weight_decay": 5e-4,
        "schedule": "warmup_cosine",
        "augmentation": "none",
    },
}
DEFAULT_RECIPE: Final = "one_cycle"
