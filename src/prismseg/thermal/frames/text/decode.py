"""Text of a file in whatever encoding spreadsheets and cameras' programs write it."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from prismseg.base import DataError, Message
from prismseg.thermal.frames.text.words import WORDS, plain_label

_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_OF_WINDOWS = ("cp1252", "cp1250", "cp1251", "gb18030", "cp932")
_LOOKED_AT = 2000  # bytes by which UTF-16 without a mark is recognised
_MOSTLY = 0.4  # share of bytes at even or at odd places that are 0 in UTF-16 of Latin letters and digits; the others, not


def decode_text(path: Path, data: bytes) -> str:
    r"""Decode the text of a file: UTF-8, UTF-16 with or without a byte order mark, else an encoding of Windows.

    Of those the one in which most of the first lines begin with a word of headings, else the Western one.

    Raises
    ------
    DataError
        When it is no text.

    Examples
    --------
    >>> decode_text(Path("a.csv"), "22,5 °C".encode("utf-16")), decode_text(Path("a.csv"), b"22,5 \xb0C")
    ('22,5 °C', '22,5 °C')
    """
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return _checked(path, data[len(mark) :].decode(encoding, "replace"))
    head = data[:_LOOKED_AT]
    pairs = max(len(head) // 2, 1)
    even, odd = head[::2].count(0) / pairs, head[1::2].count(0) / pairs
    if max(even, odd) > _MOSTLY and min(even, odd) < 1 - _MOSTLY:
        return _checked(path, data.decode("utf-16-le" if odd > even else "utf-16-be", "replace"))
    try:
        return _checked(path, data.decode("utf-8"))
    except UnicodeDecodeError:
        return _checked(path, data.decode(_encoding_of_windows(head), "replace"))


def _encoding_of_windows(head: bytes) -> str:
    """Western, Central European, Cyrillic, Chinese or Japanese, by the words of headings that come out."""

    def known(encoding: str) -> int:
        labels = (
            re.split(r"[;,:\t=(\[：（]", line.strip(';,\t" '))[0]
            for line in head.decode(encoding, "ignore").splitlines()
        )
        return sum(plain_label(label) in WORDS for label in labels)

    return max(_OF_WINDOWS, key=known)  # of several alike the first


def _checked(path: Path, text: str) -> str:
    if "\0" in text:
        raise DataError(
            Message("{path} is not a text file of numbers; save the frame as CSV in UTF-8.", path=path)
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")
