"""Finding the images that files of annotations name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Set
from pathlib import Path, PurePosixPath

from prismseg.base import DataError
from prismseg.data.checks.findings import Finding
from prismseg.data.images.decoding import MAX_PIXELS
from prismseg.data.images.folder import is_hidden
from prismseg.data.images.nearest import NearestNames, say_absent
from prismseg.data.images.source import Source
from prismseg.data.images.volumes import suffix_of
from prismseg.data.layouts.listing import fold

_HEAD = 4096
_SHOWN = 5


def head(path: Path) -> str:
    """First characters of a text file; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(_HEAD).decode("utf-8", errors="replace").lstrip("\ufeff")
    except OSError:
        return ""


def stated_size(path: Path, name: str, height: object, width: object) -> tuple[int, int]:
    """Height and width of an image as a file of annotations states them.

    Raises
    ------
    DataError
        Naming the file and image, when they are no whole numbers above 0, or larger than images may be.
    """
    try:
        sides = float(str(height)), float(str(width))  # some exporters write 512.0
        size = (int(sides[0]), int(sides[1])) if sides[0].is_integer() and sides[1].is_integer() else (0, 0)
    except ValueError:
        size = 0, 0
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        raise DataError(
            f"{path} states, for {name}, the height {height!r} and the width {width!r}; images have whole numbers of "
            f"pixels from 1 on, at most {MAX_PIXELS // 10**6} million together. Export it anew."
        )
    return size


class FolderIndex:
    """The image files anywhere below a folder.

    Parameters
    ----------
    root : Path
        The folder.
    suffixes : set of str
        Of the files that are looked for.
    """

    def __init__(self, root: Path, suffixes: Set[str]) -> None:
        self.root = root
        self.files = [
            path
            for path in sorted(root.rglob("*"))
            if suffix_of(path) in suffixes
            and not any(is_hidden(part) for part in path.relative_to(root).parts)
            and path.is_file()
        ]
        self._named: dict[str, list[Path]] = defaultdict(list)
        self._respelled: list[str] = []
        self._absent: dict[Path, tuple[str, Path]] = {}
        self._folded: dict[str, list[Path]] = defaultdict(list)
        for path in self.files:
            self._named[path.name].append(path)
            self._folded[fold(path.name)].append(path)

    def find(self, name: str, *, by: Path) -> Path:
        """Image that the file of annotations `by` calls `name`.

        Taken as a path from there, from the root, or from its folder `images`; else the one image below the root of that
        name, of several the one that shares most folders with `name`; at last one whose name differs in capital letters
        only (`respelled` tells of those). Where there is none, the path it should have (`absent` tells of those).

        Raises
        ------
        DataError
            When several images could be meant.
        """
        stated, near = PurePosixPath(name.replace("\\", "/")), by.parent
        if not stated.name:
            raise DataError(f"{by} has an image without a name; export it anew.")
        places = [near / stated, self.root / stated, near / "images" / stated, self.root / "images" / stated]
        for place in places:
            if place.is_file():
                return place
        same = self._named.get(stated.name, []) or self._folded.get(fold(stated.name), [])
        most = max((_shared(path, stated) for path in same), default=0)
        best = [path for path in same if _shared(path, stated) == most]
        if len(best) > 1:
            raise DataError(
                f"{name} may be {best[0]} or {best[1]}; name the images in {near} with their folders, or remove one."
            )
        if not best:
            self._absent[places[0]] = (name, by)
            return places[0]
        if best[0].name != stated.name:
            self._respelled.append(f"{stated} is {best[0].relative_to(self.root)}")
        return best[0]

    def respelled(self, file: Path) -> Iterator[Finding]:
        """Tell of the names, in `file` and those like it, that the images have but for capital letters."""
        if self._respelled:
            names = ", ".join(self._respelled[:_SHOWN]) + " …" * (len(self._respelled) > _SHOWN)
            yield Finding(
                "info",
                "names in other letters",
                file,
                f"{len(self._respelled)} images are called in other capital letters by {file} than on the disk, and are "
                f"taken all the same: {names}.",
            )

    def absent(self, used: Set[Source]) -> dict[Path, str]:
        """Say of each image that was not found who names it, and which one that is not `used` has the nearest name."""
        if not self._absent:
            return {}
        names = NearestNames(self.relative(path) for path in self.files if path not in used)
        return {
            # Whoever renames an image renames its own file of annotations along with it, but not what that says.
            path: say_absent(by, name, names.find(name) or names.find(by.name), self.root)
            for path, (name, by) in self._absent.items()
        }

    def relative(self, path: Path) -> str:
        """Path as seen from the root, for naming."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name

    def unlisted(self, used: Set[Source], reason: str) -> Iterator[Finding]:
        """Tell of images that are in no list."""
        others = [path for path in self.files if path not in used]
        if others:
            names = ", ".join(str(path.relative_to(self.root)) for path in others[:_SHOWN])
            yield Finding(
                "warning",
                "unlisted images",
                others[0],
                f"{len(others)} images below {self.root} are left out, since {reason}: {names}"
                f"{' …' if len(others) > _SHOWN else ''}.",
            )


def _shared(path: Path, stated: PurePosixPath) -> int:
    """How many of the last parts two paths share."""
    count = 0
    for ours, theirs in zip(reversed(path.parts), reversed(stated.parts), strict=False):
        if fold(ours) != fold(theirs):
            break
        count += 1
    return count
