"""One image file to one array of bytes, with limits on what the file may ask for."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp")
MODES = {"rgb": "RGB", "gray": "L"}
POLICIES = ("center-crop", "pad", "stretch")
MAX_PIXELS = 2**26


class UnreadableImageError(Exception):
    """A file that is no image of a known format, is damaged, or asks for too much memory; the text says which."""


def decode(path: str | os.PathLike[str], size: tuple[int, int], mode: str, policy: str) -> np.ndarray:
    """The image as uint8 of shape (height, width, channels).

    Turned upright by its EXIF orientation, transparent places on white, one channel for "gray" (luma of ITU-R BT.601)
    or three for "rgb", brought to `size` = (height, width) by `policy` with bilinear interpolation over the pixels
    that each new pixel covers.

    Raises
    ------
    UnreadableImageError
        with the reason.
    """
    try:
        with _opened(path) as image:
            return _pixels(image, size, mode, policy)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImageError(f"more than {MAX_PIXELS} pixels") from None
    except UnidentifiedImageError:
        raise UnreadableImageError("not a PNG, JPEG or WebP image") from None
    except OSError as error:
        raise UnreadableImageError(error.strerror or str(error)) from error
    except UnreadableImageError:
        raise
    # What decoders raise on damaged bytes has no common base.
    except Exception as error:
        raise UnreadableImageError(f"damaged ({error})") from error


def upright_size(path: str | os.PathLike[str]) -> tuple[int, int] | None:
    """(height, width) by the file's header and EXIF orientation, or None where they cannot be read."""
    try:
        with _opened(path) as image:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            return image.size if turned else (image.size[1], image.size[0])
    except Exception:
        return None


def _opened(path: str | os.PathLike[str]) -> Image.Image:
    """The image with only its header read."""
    image = Image.open(path, formats=FORMATS)
    if image.size[0] * image.size[1] > MAX_PIXELS:
        image.close()
        raise UnreadableImageError(f"{image.size[1]} by {image.size[0]} pixels, more than {MAX_PIXELS}")
    return image


def _pixels(image: Image.Image, size: tuple[int, int], mode: str, policy: str) -> np.ndarray:
    height, width = size
    # A JPEG far larger than asked for is decoded at a half, a quarter or an eighth, still twice as large.
    image.draft(MODES[mode], (2 * max(size), 2 * max(size)))
    upright = ImageOps.exif_transpose(image)
    plain = _plain(upright).convert(MODES[mode])
    array = np.asarray(_resized(plain, (width, height), policy))
    return array[..., None] if mode == "gray" else array


def _plain(image: Image.Image) -> Image.Image:
    """The image in eight bits and without transparency."""
    if image.mode.startswith("I;16"):
        # Pillow's own conversion would clip at 255.
        deep = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((deep * 255 + 32767) // 65535).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise UnreadableImageError(f"pixels of 32 bits (mode {image.mode}), whose range is not known")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(white, layer)
    return image


def _resized(image: Image.Image, target: tuple[int, int], policy: str) -> Image.Image:
    if image.size == target:
        return image
    if policy == "center-crop":
        return ImageOps.fit(image, target, Image.Resampling.BILINEAR)
    if policy == "pad":
        return ImageOps.pad(image, target, Image.Resampling.BILINEAR, color=0)
    return image.resize(target, Image.Resampling.BILINEAR)
