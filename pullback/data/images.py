"""A folder of images, one subfolder a class, as a data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pullback.core.errors import unknown_name
from pullback.data.cache import cache_folder
from pullback.data.dataset import Dataset
from pullback.data.download import ReportProgress
from pullback.data.images_cache import decoded, none_readable
from pullback.data.images_listing import Listing, list_classes
from pullback.data.images_preprocessing import ImagePreprocessing, unreadable

ON_ERROR = ("skip", "raise")
OTHER_FILE = "no PNG, JPEG or WebP file by its name"


class Skipped(NamedTuple):
    """A file that was left out: its path within the folder, and why."""

    path: str
    reason: str


@dataclass(frozen=True, eq=False)
class Images:
    """Decoded images with their classes.

    Parameters
    ----------
    pixels : uint8 of shape (n, height, width, channels), memory-mapped.
    targets : int32 of shape (n,), positions in `class_names`.
    class_names : names of the subfolders, sorted.
    paths : file of each row, relative to the folder.
    skipped : files that were left out.
    preprocessing : what made the pixels, for `Experiment.preprocessing` and for prediction.
    indices : int32, row of each image in the whole folder.
    """

    pixels: np.ndarray
    targets: np.ndarray
    class_names: tuple[str, ...]
    paths: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    preprocessing: ImagePreprocessing
    name: str
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: np.ndarray | Sequence[int]) -> Images:
        """The images at these positions, in this order."""
        rows = np.asarray(rows)
        return replace(
            self,
            pixels=self.pixels[rows],
            targets=self.targets[rows],
            paths=tuple(self.paths[row] for row in rows),
            indices=self.indices[rows],
        )

    def dataset(self) -> Dataset:
        """The images as float32 in [0, 1], in memory, ready to be split and trained on."""
        inputs = np.empty(self.pixels.shape, np.float32)
        np.divide(self.pixels, np.float32(255), out=inputs)
        return Dataset(inputs, self.targets, "classification", self.name, self.class_names, indices=self.indices)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know: the files left out, the first few by name."""
        if not self.skipped:
            return ()
        total = len(self) + len(self.skipped)
        shown = "; ".join(f"{path}: {reason}" for path, reason in self.skipped[:5])
        more = f"; and {len(self.skipped) - 5} more" if len(self.skipped) > 5 else ""
        return (f"{len(self.skipped)} of {total} files of {self.name} are skipped: {shown}{more}",)


def images(
    folder: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    mode: str = "rgb",
    policy: str = "center-crop",
    on_error: str = "skip",
    cache_dir: str | os.PathLike[str] | None = None,
    progress: ReportProgress | None = None,
) -> Images:
    """The images of a folder with one subfolder a class: PNG, JPEG and WebP.

    The files are decoded by threads, once: the pixels are kept in a memory-mapped file that is found again as long as
    no file of the folder changes its name, length or time.

    Parameters
    ----------
    size : (height, width) to bring every image to; None if all have one size already.
    mode : "rgb" or "gray".
    policy : how another size becomes `size`: "center-crop", "pad" or "stretch"; see `ImagePreprocessing`.
    on_error : "skip" leaves out files that cannot be read and names them in `skipped`; "raise" stops at the first.
    cache_dir : where decoded images are kept; by default below `~/.cache/pullback`.
    progress : called with the name of the folder, the number of files decoded and the number of all;
        `ProgressLine("images", 1)` prints them.

    Raises
    ------
    DataError
        if the folder is missing or an archive, does not tell classes apart, has a class without one readable image,
        holds images of several sizes and `size` is None, or a file cannot be read and `on_error` is "raise".

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from PIL import Image
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name, color in (("night", 0), ("snow", 255)):
    ...     (folder / name).mkdir()
    ...     Image.new("L", (8, 8), color).save(folder / name / "1.png")
    >>> found = images(folder, mode="gray", cache_dir=folder / ".cache")
    >>> found.class_names, found.dataset().inputs.shape, found.dataset().inputs.mean((1, 2, 3)).tolist()
    (('night', 'snow'), (2, 8, 8, 1), [0.0, 1.0])
    """
    if on_error not in ON_ERROR:
        raise unknown_name("on_error", on_error, ON_ERROR)
    if size is not None:
        size = ImagePreprocessing(size, mode, policy).size
    listing = list_classes(folder)
    if on_error == "raise" and listing.others:
        raise unreadable(listing.folder / listing.others[0], OTHER_FILE)
    cache = cache_folder("images") if cache_dir is None else Path(cache_dir)
    result = decoded(listing, size, mode, policy, cache, progress)
    skipped = [Skipped(listing.files[number], reason) for number, reason in result.failed]
    if on_error == "raise" and skipped:
        raise unreadable(listing.folder / skipped[0].path, skipped[0].reason)
    targets = np.array([listing.labels[number] for number in result.kept], np.int32)
    _check_classes(listing, targets, skipped)
    return Images(
        pixels=result.pixels,
        targets=targets,
        class_names=listing.class_names,
        paths=tuple(listing.files[number] for number in result.kept),
        skipped=(*skipped, *(Skipped(path, OTHER_FILE) for path in listing.others)),
        preprocessing=ImagePreprocessing(result.size, mode, policy, listing.class_names),
        name=listing.folder.resolve().name,
        indices=np.arange(len(targets), dtype=np.int32),
    )


def _check_classes(listing: Listing, targets: np.ndarray, skipped: list[Skipped]) -> None:
    """Every class keeps at least one image that can be read."""
    if len(targets) == 0:
        raise none_readable(listing.folder, len(listing.files))
    counts = np.bincount(targets, minlength=len(listing.class_names))
    if counts.min() == 0:
        empty = listing.folder / listing.class_names[int(counts.argmin())]
        lost = next(skip for skip in skipped if Path(skip.path).parts[0] == empty.name)
        raise unreadable(
            listing.folder / lost.path, f"{lost.reason}; nor can any other image of the class {empty.name}"
        )
