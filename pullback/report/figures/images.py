"""Examples that are images, as small PNG files inside the page."""

from __future__ import annotations

import base64
import io

import numpy as np
from jaxtyping import Num
from matplotlib.image import imsave

SMALLEST_SIDE = 4


def are_images(inputs: np.ndarray) -> bool:
    """Whether the inputs have shape (rows, height, width) or (rows, height, width, 1, 3 or 4)."""
    fits = inputs.ndim == 3 or (inputs.ndim == 4 and inputs.shape[3] in (1, 3, 4))
    return bool(fits and min(inputs.shape[1:3]) >= SMALLEST_SIDE and np.isfinite(inputs).all())


def image_addresses(inputs: Num[np.ndarray, "rows height width *channels"]) -> list[str]:
    """A `data:` address for each image; one gray scale or color range is used for all of them."""
    low, high = float(inputs.min()), float(inputs.max())
    scaled = np.clip((inputs.astype(np.float64) - low) / ((high - low) or 1.0), 0, 1)
    if scaled.ndim == 4 and scaled.shape[3] == 1:
        scaled = scaled[..., 0]
    return [_address(image) for image in scaled]


def _address(image: Num[np.ndarray, "height width *channels"]) -> str:
    stream = io.BytesIO()
    gray = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0} if image.ndim == 2 else {}
    imsave(stream, image, format="png", **gray)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
