"""Read a request's body while it arrives, and stop as soon as it is too large or too slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fastapi import Request
from pydantic_core import from_json
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from ...schemas.settings import Settings
from .problem_details import BadRequest, ClientTooSlow, TooLarge, UnsupportedMedia

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

__all__ = ["FILE_FIELD", "MAX_JSON", "UPLOAD", "Meter", "content_type", "in_turn", "read_form", "read_json"]

MAX_JSON = 4 << 20
"""Bytes of a JSON body: a safe profile of 5,000 columns takes half of it."""

FILE_FIELD = "file"
UPLOAD = "upload"
"""The name that the table of ``FILE_FIELD`` gets, which errors then call it by."""
_MAX_FIELD = 1 << 18
_MAX_FIELDS = 32
_BYTES_PER_SECOND = 1 << 16
"""The least pace, on the mean of every window: what was sent quickly before buys no time to stand still."""

_QUICK = 1 << 16
"""Bytes of JSON that take less time than to hand them to another thread and back."""

Meter = Callable[[int], None]
"""Told of so many bytes more; raises where they are too many."""


def content_type(request: Request) -> str:
    """The media type without its parameters, in lower case."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, settings: Settings, meter: Meter) -> object:
    """The JSON value of the body.

    Raises:
        RequestRefused: Not JSON, nested too deeply, too large or too slow.
    """
    if content_type(request) != "application/json":
        raise UnsupportedMedia("send application/json")
    body = bytearray()
    async for chunk in _arriving(request, MAX_JSON, settings.service_read_timeout_s, meter):
        body += chunk
    try:
        return await in_turn(len(body), lambda: from_json(bytes(body), allow_inf_nan=False))
    except ValueError as error:
        deep = "recursion" in str(error)
        raise BadRequest("the body is nested too deeply" if deep else "the body is not JSON") from None


async def in_turn(size: int, work: Callable[[], Any]) -> Any:
    """``work`` on a body of ``size`` bytes: megabytes take a while, in which others are answered by this thread."""
    return work() if size <= _QUICK else await asyncio.to_thread(work)


async def read_form(
    request: Request, folder: Path, settings: Settings, meter: Meter, files: Mapping[str, bool]
) -> dict[str, str]:
    """The fields of a multipart form; its files go to ``folder`` under the names of their fields as they arrive.

    Args:
        request: The request.
        folder: Where the files go.
        settings: Limits of size and time.
        meter: Told of the bytes as they arrive.
        files: Field → whether a file must come in it.

    Raises:
        RequestRefused: Not a form, a file missing or too many, too large or too slow.
    """
    if content_type(request) != "multipart/form-data":
        raise UnsupportedMedia(f"send multipart/form-data with the table in the field `{FILE_FIELD}`")
    _, options = parse_options_header(request.headers["content-type"])
    limit = settings.service_max_upload_mb << 20
    form = _Form(folder, frozenset(files), limit)
    try:
        parser = MultipartParser(options.get(b"boundary", b""), form.callbacks())
        async for chunk in _arriving(request, limit + _MAX_FIELD * 2, settings.service_read_timeout_s, meter):
            parser.write(chunk)
        parser.finalize()
    except FormParserError:
        raise BadRequest("the body is not a multipart form") from None
    finally:
        form.close()
    if not form.ended:
        raise BadRequest("the multipart form is cut short")
    for name, needed in files.items():
        if needed and name not in form.files:
            raise BadRequest(f"the form needs one table in the field `{name}`")
    try:
        return {name: bytes(value).decode("utf-8") for name, value in form.fields.items()}
    except UnicodeDecodeError:
        raise BadRequest("the form's fields are not UTF-8") from None


async def _arriving(request: Request, limit: int, window: float, meter: Meter) -> AsyncIterator[bytes]:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
        raise TooLarge(f"the body has more than {limit} bytes")
    loop = asyncio.get_running_loop()
    seen = in_window = 0
    until = loop.time() + window
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout_at(until):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise ClientTooSlow("the body did not arrive in time") from None
        except ClientDisconnect:
            raise BadRequest("the client went away") from None
        if chunk is None:
            return
        seen += len(chunk)
        in_window += len(chunk)
        if seen > limit:
            raise TooLarge(f"the body has more than {limit} bytes")
        meter(len(chunk))
        yield chunk
        now = loop.time()
        if in_window >= window * _BYTES_PER_SECOND:
            in_window, until = 0, now + window


class _Form:
    """Takes the parts of a form as the parser finds them."""

    def __init__(self, folder: Path, names: frozenset[str], limit: int) -> None:
        self.fields: dict[str, bytearray] = {}
        self.files: dict[str, BinaryIO] = {}
        self.ended = False
        self._folder = folder
        self._names = names
        self._room = limit
        self._into: bytearray | BinaryIO = bytearray()
        self._header, self._value, self._disposition = b"", b"", b""

    def close(self) -> None:
        """Close the files."""
        for file in self.files.values():
            file.close()

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
        self._disposition = b""

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
        if name in self._names:
            if name in self.files:
                raise BadRequest(f"the form needs one table in the field `{name}`")
            self._into = self.files[name] = (self._folder / (UPLOAD if name == FILE_FIELD else name)).open("wb")
            return
        if not name or name in self.fields or len(self.fields) >= _MAX_FIELDS:
            raise BadRequest("a part of the form has no name, or one that came before, or there are too many")
        self._into = self.fields[name] = bytearray()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if isinstance(self._into, bytearray):
            self._into += data[start:end]
            if len(self._into) > _MAX_FIELD:
                raise TooLarge(f"a field has more than {_MAX_FIELD} bytes")
            return
        self._room -= end - start
        if self._room < 0:
            raise TooLarge("the table has more bytes than SERVICE_MAX_UPLOAD_MB allows")
        self._into.write(data[start:end])

    def _on_end(self) -> None:
        self.ended = True
