"""Read a request's body while it arrives, and stop as soon as it is too large or too slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastapi import Request
from pydantic_core import from_json
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from ...schemas.settings import Settings
from .problem_details import BadRequest, ClientTooSlow, TooLarge, UnsupportedMedia

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["FILE_FIELD", "MAX_JSON", "content_type", "read_form", "read_json"]

MAX_JSON = 4 << 20
"""Bytes of a JSON body: a safe profile of 5,000 columns takes half of it."""

FILE_FIELD = "file"
_MAX_FIELD = 1 << 18
_MAX_FIELDS = 32
_BYTES_PER_SECOND = 1 << 16
"""A client that keeps this pace is never too slow, however long its body."""


def content_type(request: Request) -> str:
    """The media type without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, settings: Settings) -> object:
    """The JSON value of the body.

    Raises:
        RequestRefused: Not JSON, too large or too slow.
    """
    if content_type(request) != "application/json":
        raise UnsupportedMedia("send application/json")
    body = bytearray()
    async for chunk in _arriving(request, MAX_JSON, settings.service_read_timeout_s):
        body += chunk
    try:
        return from_json(bytes(body), allow_inf_nan=False)
    except ValueError:
        raise BadRequest("the body is not JSON") from None


async def read_form(request: Request, folder: Path, settings: Settings) -> dict[str, str]:
    """The fields of a multipart form; its file goes to ``folder / "upload"`` as it arrives.

    Raises:
        RequestRefused: Not a form, no file or several, too large or too slow.
    """
    if content_type(request) != "multipart/form-data":
        raise UnsupportedMedia("send multipart/form-data with the table in the field `file`")
    _, options = parse_options_header(request.headers["content-type"])
    boundary = options.get(b"boundary", b"")
    limit = settings.service_max_upload_mb << 20
    with (folder / "upload").open("wb") as file:
        form = _Form(file, limit)
        try:
            parser = MultipartParser(boundary, form.callbacks())
            async for chunk in _arriving(request, limit + _MAX_FIELD * 2, settings.service_read_timeout_s):
                parser.write(chunk)
            parser.finalize()
        except MultipartParseError:
            raise BadRequest("the body is not a multipart form") from None
    if not form.ended:
        raise BadRequest("the multipart form is cut short")
    if form.files != 1:
        raise BadRequest("the form needs one table in the field `file`")
    try:
        return {name: bytes(value).decode("utf-8") for name, value in form.fields.items()}
    except UnicodeDecodeError:
        raise BadRequest("the form's fields are not UTF-8") from None


async def _arriving(request: Request, limit: int, patience: float) -> AsyncIterator[bytes]:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        raise TooLarge(f"the body has more than {limit} bytes")
    loop = asyncio.get_running_loop()
    start, seen = loop.time(), 0
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout_at(start + patience + seen / _BYTES_PER_SECOND):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise ClientTooSlow("the body did not arrive in time") from None
        except ClientDisconnect:
            raise BadRequest("the client went away") from None
        if chunk is None:
            return
        seen += len(chunk)
        if seen > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
        yield chunk


class _Form:
    """Takes the parts of a form as the parser finds them."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.fields: dict[str, bytearray] = {}
        self.files = 0
        self.ended = False
        self._file = file
        self._room = limit
        self._into: bytearray | None = None
        self._header, self._value, self._disposition = b"", b"", b""

    def callbacks(self) -> MultipartCallbacks:
        """For ``MultipartParser``."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_data,
            "on_end": self._on_end,
        }

    def _begin(self) -> None:
        self._disposition, self._into = b"", None

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        # The file's own name is not looked at: what it is, its content says.
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name == FILE_FIELD:
            self.files += 1
            if self.files > 1:
                raise BadRequest("the form needs one table in the field `file`")
            return
        if not name or name in self.fields or len(self.fields) >= _MAX_FIELDS:
            raise BadRequest("a part of the form has no name, or one that came before, or there are too many")
        self._into = self.fields[name] = bytearray()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._into is None:
            self._room -= end - start
            if self._room < 0:
                raise TooLarge("the table has more bytes than SERVICE_MAX_UPLOAD_MB allows")
            self._file.write(data[start:end])
            return
        self._into += data[start:end]
        if len(self._into) > _MAX_FIELD:
            raise TooLarge(f"a field has more than {_MAX_FIELD} bytes")

    def _on_end(self) -> None:
        self.ended = True
