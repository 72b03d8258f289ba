"""Flowers by a small network."""

from dataclasses import dataclass

from pullback import data, models
from pullback.core.random import stream
from pullback.train import Experiment


@dataclass(frozen=True)
class Recipe:
    """Fields."""

    seed: int = 0
    """Seed."""
    epochs: int = 2
    """Passes."""
    learning_rate: float = 0.1
    """Step size."""
    hidden: tuple[int, ...] = (4,)
    """Units."""
    activation: str = "relu"
    """What follows each of them."""
    batch_size: int = 64
    """Rows an update."""


def build(recipe):
    training, validation = data.split(data.load("iris"), {"train": 0.8, "validation": 0.2}, seed=recipe.seed)
    arguments = {"in_shape": [4], "out_features": 3, "hidden": recipe.hidden, "activation": recipe.activation}
    return Experiment(
        model=models.build("multilayer_perceptron", arguments, stream(recipe.seed, "initial weights")),
        train_data=training,
        validation_data=validation,
        loss="categorical_cross_entropy",
        optimizer="momentum",
        learning_rate=recipe.learning_rate,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        metrics=("accuracy",),
        seed=recipe.seed,
    )
