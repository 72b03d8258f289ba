"""Handwritten digits, 8x8 pixels, by a small convolutional network.

The 1,797 digits that scikit-learn bundles (E. Alpaydin, C. Kaynak, UCI, 1998). One fifth is held out for the test,
a tenth of the rest chooses the best epoch; random shifts by a pixel make the training set larger.

    command:   pullback train digits
    minutes:   half a minute on two CPU cores
    expected:  test accuracy 0.99 (mean of seeds 0-4)
"""

from __future__ import annotations

from dataclasses import dataclass

from pullback import data, models
from pullback.core.checks import positive
from pullback.core.random import stream
from pullback.optim.schedules import Cosine, WarmUp
from pullback.train import Experiment


@dataclass(frozen=True)
class Recipe:
    """Fields of the recipe, each an option of the command."""

    seed: int = 0
    """From which the split, the initial weights, the order and all other random numbers follow."""
    epochs: int = 100
    """Passes over the training digits."""
    batch_size: int = 64
    """Digits an update."""
    learning_rate: float = 4e-3
    """Peak of the learning rate, which rises for two epochs and then falls along a cosine."""
    channels: tuple[int, ...] = (32, 64)
    """Channels after each block of convolution, relu and pooling."""
    hidden: tuple[int, ...] = (128,)
    """Units of each hidden layer after the blocks."""
    dropout: float = 0.5
    """Share of hidden units left out in training."""
    shift: int = 1
    """Largest random shift in pixels."""
    ema_decay: float = 0.99
    """Decay of the moving average of the weights, which is what is validated and kept."""


def build(recipe: Recipe) -> Experiment:
    """The experiment that these fields describe."""
    digits = data.load("digits")
    parts = data.split(digits, {"train": 0.72, "validation": 0.08, "test": 0.2}, seed=recipe.seed)
    training, validation, test = parts
    arguments = {
        "in_shape": digits.inputs.shape[1:],
        "num_classes": digits.num_classes,
        "channels": recipe.channels,
        "hidden": recipe.hidden,
        "dropout": recipe.dropout,
    }
    steps = -(-len(training) // recipe.batch_size)
    decay = Cosine(positive("learning_rate", recipe.learning_rate), max((recipe.epochs - 2) * steps, 1))
    return Experiment(
        model=models.build("convolutional_network", arguments, stream(recipe.seed, "initial weights")),
        train_data=training,
        validation_data=validation,
        test_data=test,
        loss="categorical_cross_entropy",
        optimizer="adam",
        learning_rate=WarmUp(decay, steps=2 * steps),
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        metrics=("accuracy",),
        augment=data.Shift(recipe.shift),
        ema_decay=recipe.ema_decay,
        seed=recipe.seed,
    )
