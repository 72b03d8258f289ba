"""Which files a folder of images holds, and of which class each is."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from pullback.core.errors import DataError
from pullback.data.images_decode import SUFFIXES

# First bytes of the archives that people have in place of a folder.
ARCHIVES = {b"PK\x03\x04": "ZIP", b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd"}
TAR_MAGIC, TAR_PLACE = b"ustar", 257


@dataclass(frozen=True)
class Listing:
    """The files of a folder with one subfolder a class, in a fixed order.

    `files` are the paths of the images relative to `folder`, `labels` their classes; `others` are files that are no
    images by their names.
    """

    folder: Path
    class_names: tuple[str, ...]
    files: tuple[str, ...]
    labels: tuple[int, ...]
    others: tuple[str, ...]


def list_classes(folder: str | os.PathLike[str]) -> Listing:
    """The images below each subfolder; hidden files do not count.

    Raises
    ------
    DataError
        if there is no such folder, an archive in its place, no or only one subfolder, or a subfolder without images.
    """
    root = checked_folder(folder)
    entries = sorted(entry for entry in root.iterdir() if not entry.name.startswith("."))
    classes = [entry for entry in entries if entry.is_dir()]
    if len(classes) < 2:
        raise _no_classes(root, classes, [entry for entry in entries if entry.is_file() and _is_image(entry)])
    files: list[str] = []
    labels: list[int] = []
    others = [entry.name for entry in entries if not entry.is_dir()]
    for label, place in enumerate(classes):
        inside = [str(path.relative_to(root)) for path in files_below(place)]
        images = [path for path in inside if _is_image(path)]
        if not images:
            raise DataError(
                f"the class folder {place} holds no image",
                expected=f"files ending in {', '.join(SUFFIXES)}",
                got=f"{len(inside)} other files" if inside else "an empty folder",
                fix="add images of this class, or remove the folder",
            )
        files += images
        labels += [label] * len(images)
        others += [path for path in inside if not _is_image(path)]
    return Listing(root, tuple(place.name for place in classes), tuple(files), tuple(labels), tuple(others))


def list_images(source: str | os.PathLike[str]) -> tuple[Path, ...]:
    """The image files below a folder, in the order of their paths; of a file, the file itself."""
    path = Path(source).expanduser()
    if path.is_file() and _archive_kind(path) is None:
        return (path,)
    found = tuple(file for file in files_below(checked_folder(path)) if _is_image(file))
    if not found:
        raise DataError(
            f"{path} holds no image",
            expected=f"files ending in {', '.join(SUFFIXES)}",
            got="none",
            fix="check the path",
        )
    return found


def files_below(folder: Path) -> list[Path]:
    """All files at any depth in the order of their paths, without hidden ones."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if not name.startswith(".")]
    return sorted(found)


def checked_folder(folder: str | os.PathLike[str]) -> Path:
    """The path of a folder that is one."""
    path = Path(folder).expanduser()
    if path.is_dir():
        return path
    if not path.exists():
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        nearest = difflib.get_close_matches(path.name, beside, n=1)
        raise DataError(
            f"there is no folder {path}",
            expected="a folder with one subfolder of images a class",
            got="nothing at this path",
            fix=f"did you mean {path.parent / nearest[0]}?" if nearest else "check the path",
        )
    kind = _archive_kind(path)
    raise DataError(
        f"{path} is not a folder",
        expected="a folder with one subfolder of images a class",
        got="a file" if kind is None else f"a {kind} archive",
        fix="name the folder that holds the images" if kind is None else "unpack the archive and name the folder",
    )


def _archive_kind(path: Path) -> str | None:
    with open(path, "rb") as file:
        head = file.read(TAR_PLACE + len(TAR_MAGIC))
    if head[TAR_PLACE:] == TAR_MAGIC:
        return "tar"
    return next((kind for magic, kind in ARCHIVES.items() if head.startswith(magic)), None)


def _is_image(path: str | Path) -> bool:
    return str(path).lower().endswith(SUFFIXES)


def _no_classes(root: Path, classes: list[Path], images: list[Path]) -> DataError:
    if classes:
        got = f"one class, {classes[0].name!r}"
        fix = "add a subfolder for each other class"
    else:
        got = f"{len(images)} images and no subfolder" if images else "no subfolder"
        fix = "put the images of each class into a subfolder that bears its name"
    return DataError(
        f"the folder {root} does not tell classes apart",
        expected="two or more subfolders, one a class",
        got=got,
        fix=fix,
    )
