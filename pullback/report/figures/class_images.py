"""The mean image of each class, side by side in one scale."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pullback.report.figures.svg import MUTED, Panel, drawing_style, inline_svg, new_figure

MOST_IN_A_ROW = 6
LONGEST_NAME = 16


def class_images_panel(images: Float[np.ndarray, "classes height width channels"], names: Sequence[str]) -> Panel:
    """One image a class; values from 0 to 1."""
    across = min(len(names), MOST_IN_A_ROW)
    down = math.ceil(len(names) / across)
    with drawing_style():
        figure = new_figure(1.1 * across + 0.2, 1.1 * down * images.shape[1] / images.shape[2] + 0.3 * down)
        places = np.atleast_1d(figure.subplots(down, across)).reshape(-1)
        for axes in places:
            axes.set_axis_off()
        for axes, image, name in zip(places, images, names, strict=False):
            one = image[..., 0] if image.shape[2] == 1 else image
            axes.imshow(one, cmap="gray", vmin=0.0, vmax=1.0, interpolation="nearest")
            short = name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
            axes.set_title(short, fontsize=8, color=MUTED)
        svg = inline_svg(figure, "class-images", f"The mean image of each of {len(names)} classes.")
    return Panel(
        "Mean images",
        svg,
        "The mean of all training images of a class, in one scale from the darkest to the brightest value. What is "
        "sharp here is where the images of a class agree.",
    )
