"""The encoding of a text file: UTF-8 where its bytes are UTF-8, else what chardetng (Firefox) makes of them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import BinaryIO

from ...schemas.errors import TableError

__all__ = ["HEAD", "check_encoding", "find_encoding"]

HEAD = 1 << 18
"""Bytes looked at to find delimiter and header."""
_BLOCK = 1 << 22
_ENOUGH = 1 << 17
"""Bytes of lines with other than ASCII characters that the detector sees."""
_NAMES = {"x-mac-cyrillic": "mac_cyrillic", "iso-8859-8-i": "iso-8859-8", "x-user-defined": "latin-1"}
_MAC = "mac_roman"
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def check_encoding(name: str) -> str:
    """A codec's name, as Python knows it.

    Raises:
        TableError: There is no such encoding, or it is none of text.
    """
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, UnicodeError, ValueError):
        raise TableError(f"there is no text encoding {name!r}: name one such as utf-8, cp1252 or mac_roman") from None


def find_encoding(open_file: Callable[[], BinaryIO], given: str | None) -> tuple[bytes, str]:
    """First bytes of a file, and the encoding that the whole file can be read in.

    Args:
        open_file: Opens it, unpacked.
        given: What the user says it is.

    Raises:
        TableError: It cannot be read in the encoding that was given.
    """
    head, strange = b"", bytearray()
    decoder = codecs.getincrementaldecoder(given or "utf-8")()
    wrong = False
    with open_file() as file:
        while block := file.read(_BLOCK):
            if not head:
                head = block[:HEAD]
                marked = next((name for bom, name in _BOMS if block.startswith(bom)), None)
                if marked is not None and given is None:
                    return head, marked
            if not wrong:
                wrong = not _decodes(decoder, block, final=False)
            if given is None and len(strange) < _ENOUGH:
                strange += b"\n".join(line for line in block.split(b"\n") if not line.isascii())
            if wrong and (given is not None or len(strange) >= _ENOUGH):
                break
    wrong = wrong or not _decodes(decoder, b"", final=True)
    if not wrong:
        return head, given or "utf-8"
    if given is not None:
        raise TableError(f"the file is not written in {given}: some of its bytes are no characters there")
    return head, _detect(bytes(strange[:_ENOUGH]))


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(block, final=final)
    except UnicodeError:
        return False
    return True


def _detect(strange: bytes) -> str:
    from chardetng_py import detect

    guess = detect(strange).lower()
    name = codecs.lookup(_NAMES.get(guess, guess)).name
    if name == "cp1252" and _oddities(strange, _MAC) < _oddities(strange, name):
        return _MAC
    try:
        strange.decode(name)
    except UnicodeError:
        return "latin-1"  # every byte is a character there
    return name


def _oddities(strange: bytes, encoding: str) -> int:
    """Characters that stand between letters and are none, or are capitals after small letters: a wrong encoding's."""
    text = strange.decode(encoding, errors="replace")
    inside = re.findall(r"(?<=[a-zà-ÿ])[^\x00-\x7f\u2019\u00b4\u00b7](?=[a-zà-ÿ]|\b)", text)
    return sum(not char.islower() for char in inside) + text.count("\ufffd")
