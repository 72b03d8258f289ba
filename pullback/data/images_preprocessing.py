"""How image files become inputs, kept as data, so that training and prediction do the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pullback.core.checks import positive_integer
from pullback.core.errors import DataError, unknown_name
from pullback.data.images_decode import MODES, POLICIES, UnreadableImageError, decode
from pullback.data.images_listing import list_images

KIND = "images"
MAX_SIDE = 8192


@dataclass(frozen=True)
class ImagePreprocessing:
    r"""Image files to arrays of light, $x = b / 255$ for the bytes $b$ of the image brought to one size.

    Parameters
    ----------
    size : (height, width) of every image.
    mode : "rgb" or "gray".
    policy : how an image of another size is brought to `size`. "center-crop" scales it until it covers the size and
        cuts off what stands over on both sides; "pad" scales it until it fits and adds black on both sides; "stretch"
        changes its proportions.
    class_names : names of the classes of the model behind, in its order.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "red.png"
    >>> Image.new("RGB", (6, 4), (255, 0, 0)).save(file)
    >>> preprocessing = ImagePreprocessing((2, 2), "rgb", "center-crop")
    >>> preprocessing.inputs([file]).shape, preprocessing.inputs(file)[0, 0, 0].tolist()
    ((1, 2, 2, 3), [1.0, 0.0, 0.0])
    """

    size: tuple[int, int]
    mode: str = "rgb"
    policy: str = "center-crop"
    class_names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown_name("mode", self.mode, MODES)
        if self.policy not in POLICIES:
            raise unknown_name("policy", self.policy, POLICIES)
        if len(self.size) != 2 or max(positive_integer("size", side) for side in self.size) > MAX_SIDE:
            raise DataError(
                "the size of the images makes no sense",
                expected=f"(height, width), each at most {MAX_SIDE}",
                got=repr(self.size),
                fix="pass for example size=(64, 64)",
            )
        # A size that comes as a list still has to be hashable and equal to one read from JSON.
        object.__setattr__(self, "size", tuple(self.size))

    kind = KIND

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an input."""
        return (*self.size, 3 if self.mode == "rgb" else 1)

    def decode(self, path: str | os.PathLike[str]) -> np.ndarray:
        """One file as uint8 of the shape `shape`; raises `UnreadableImageError` with the reason."""
        return decode(path, self.size, self.mode, self.policy)

    def files(self, source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> tuple[Path, ...]:
        """The files in the order in which `inputs` has their rows: a folder's images, or the paths given."""
        if isinstance(source, str | os.PathLike):
            return list_images(source)
        return tuple(Path(path) for path in source)

    def inputs(self, source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> np.ndarray:
        """Images of a folder (at any depth, in the order of their paths), of one file or of a list of files.

        Returns
        -------
        float32 in [0, 1] of shape (n, height, width, channels).

        Raises
        ------
        DataError
            if a file cannot be read; it is named.
        """
        files = self.files(source)
        images = np.empty((len(files), *self.shape), np.float32)
        with ThreadPoolExecutor(threads()) as pool:
            for row, pixels in enumerate(pool.map(self._or_error, files)):
                images[row] = pixels
        return np.divide(images, np.float32(255), out=images)

    def to_json(self) -> dict[str, Any]:
        """The preprocessing as JSON values."""
        return {
            "kind": KIND,
            "size": list(self.size),
            "mode": self.mode,
            "policy": self.policy,
            "class_names": None if self.class_names is None else list(self.class_names),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> ImagePreprocessing:
        """The preprocessing that `to_json` wrote.

        Raises
        ------
        DataError
            if the record is of another kind or incomplete.
        """
        try:
            if record["kind"] != KIND:
                raise ValueError(record["kind"])
            height, width = record["size"]
            names = record["class_names"]
            return cls((height, width), record["mode"], record["policy"], names and tuple(map(str, names)))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                "this is no record of an image preprocessing",
                expected='{"kind": "images", "size": [height, width], "mode": ..., "policy": ..., "class_names": ...}',
                got=f"{str(record)[:80]}",
                fix="pass an entry of preprocessing.json of that kind",
            ) from error

    def _or_error(self, path: Path) -> np.ndarray:
        try:
            return self.decode(path)
        except UnreadableImageError as error:
            raise unreadable(path, str(error)) from error


def threads() -> int:
    """Threads that decode: Pillow works without Python's lock, and no process is ever forked."""
    return min(os.cpu_count() or 1, 16)


def unreadable(path: str | os.PathLike[str], reason: str) -> DataError:
    """Error for one image that cannot be read."""
    return DataError(
        f"the image {os.fspath(path)} cannot be read",
        expected="a whole PNG, JPEG or WebP image",
        got=reason,
        fix="replace or remove the file",
    )
