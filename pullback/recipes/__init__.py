"""Complete experiments that a user runs and copies: `pullback train NAME`, one readable file each.

The table is literal, so that `pullback list` prints it without loading a recipe.
"""

from __future__ import annotations

RECIPES: dict[str, tuple[str, str]] = {
    "digits": ("pullback.recipes.digits", "handwritten digits, 8x8 pixels: a small convolutional network, a minute"),
    "mnist": ("pullback.recipes.mnist", "MNIST, handwritten digits, 28x28 pixels: a convolutional network, minutes"),
    "fashion-mnist": (
        "pullback.recipes.fashion_mnist",
        "Fashion-MNIST, clothes, 28x28 pixels: a convolutional network",
    ),
    "cifar10": ("pullback.recipes.cifar10", "CIFAR-10, color photographs, 32x32 pixels: a convolutional network"),
    "images": ("pullback.recipes.images", "your own images, one subfolder a class: a convolutional network"),
    "table": ("pullback.recipes.table", "your own table, CSV, Parquet or NPZ: a network beside honest baselines"),
}
