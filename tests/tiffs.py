"""TIFFs that no library here writes."""

import struct

import numpy as np
import tifffile
from PIL import Image


def big_endian_lzw(folder, scene):
    """Write floats high byte first with LZW: Pillow's own strip of those bytes, under a header by hand."""
    swapped = scene.astype(">f4").view(np.uint8)
    Image.fromarray(swapped).save(folder / "bytes.tiff", compression="tiff_lzw")
    with tifffile.TiffFile(folder / "bytes.tiff") as file:
        page = file.pages.first
        assert len(page.dataoffsets) == 1
        strip = (folder / "bytes.tiff").read_bytes()[page.dataoffsets[0] :][: page.databytecounts[0]]
    height, width = scene.shape
    tags = {256: width, 257: height, 258: 32, 259: 5, 262: 1, 273: 8, 277: 1, 278: height, 279: len(strip), 339: 3}
    entries = b"".join(struct.pack(">HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    directory = struct.pack(">H", len(tags)) + entries + bytes(4)
    (folder / "a.tiff").write_bytes(b"MM\0*" + struct.pack(">I", 8 + len(strip)) + strip + directory)
    return folder / "a.tiff"
