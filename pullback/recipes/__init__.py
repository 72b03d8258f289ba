"""Complete experiments that a user runs and copies: `pullback train NAME`, one readable file each.

The table is literal, so that `pullback list` prints it without loading a recipe.
"""

from __future__ import annotations

RECIPES: dict[str, tuple[str, str]] = {
    "digits": ("pullback.recipes.digits", "handwritten digits, 8x8 pixels: a small convolutional network, a minute"),
}
