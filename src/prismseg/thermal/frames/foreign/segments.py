"""What a JPEG says of the camera that made it: Exif, and segments of its own."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

_MAKE, _MODEL = 0x010F, 0x0110  # Exif 2.32
_SOS, _EOI = 0xDA, 0xD9
_BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}
_EXIF = b"Exif\0\0"


@dataclass(frozen=True)
class JpegClues:
    """Clues to a JPEG's maker.

    Attributes
    ----------
    make, model : str
        By its Exif block; empty where it has none.
    segments : tuple of (int, bytes)
        Marker and content of those before the picture.
    behind : bytes
        The picture itself, and what follows it.
    """

    make: str = ""
    model: str = ""
    segments: tuple[tuple[int, bytes], ...] = ()
    behind: bytes = b""

    @property
    def camera(self) -> str:
        """Make and model in a few words."""
        words = f"{self.make} {self.model}" if not self.model.lower().startswith(self.make.lower()) else self.model
        return words.strip()

    def made_by(self, *makers: str) -> bool:
        """Whether make or model begins with one of these names, in lower case."""
        return self.make.lower().startswith(makers) or self.model.lower().startswith(makers)


def read_clues(data: bytes) -> JpegClues:
    r"""Read the clues of a JPEG, also where it is damaged or cut off.

    Examples
    --------
    >>> read_clues(b"\xff\xd8\xff\xe2\x00\x06DTAT\xff\xd9").segments
    ((226, b'DTAT'),)
    """
    segments: list[tuple[int, bytes]] = []
    position = 2
    while data[position : position + 1] == b"\xff" and position + 4 <= len(data):
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _BARE_MARKERS:
            position += 2
        elif marker in (_SOS, _EOI):
            break
        else:
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            if length < 2:
                break
            segments.append((marker, data[position + 4 : position + 2 + length]))
            position += 2 + length
    make, model = _names(next((content for _, content in segments if content.startswith(_EXIF)), b""))
    return JpegClues(make, model, tuple(segments), data[position:])


def _names(block: bytes) -> tuple[str, str]:
    if not block:
        return "", ""
    exif = Image.Exif()
    try:
        exif.load(block)
        found = [exif.get(tag, "") for tag in (_MAKE, _MODEL)]
    except Exception:  # damaged blocks make Pillow raise nearly every type
        return "", ""
    make, model = (text.split("\0")[0].strip() if isinstance(text, str) else "" for text in found)
    return make, model
