"""Flask request that parses forms with `multipart_form` and keeps them in memory."""

from __future__ import annotations

import math
from collections.abc import Iterable
from io import BytesIO
from typing import IO
from urllib.parse import parse_qsl

from flask import Request
from multipart import MultipartSegment
from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.utils import cached_property

from dlflask.web.multipart_form import (
    PART_NAMES,
    check_header_size,
    find_file_name,
    iterate_parts,
    replace_invalid_utf8,
    restore_utf8,
)

Files = MultiDict[str, FileStorage]
Fields = MultiDict[str, str]

#: A part of a form: a file, or the content of a part without a file name.
Part = FileStorage | bytes

#: Maximum size of an urlencoded form in bytes. The page's button for a sample sends such a form:
#: `sample=4`. Werkzeug does not limit the size of these forms. Its objects for a form take thirty
#: times as much memory as the form.
MAX_URLENCODED_BYTES = 4096


class _ByteParser(MultiPartParser):
    """Werkzeug's parser with text fields in Latin-1, from which `FormParser` restores the bytes."""

    def get_part_charset(self, headers: Headers) -> str:  # noqa: ARG002  Werkzeug's interface
        return "latin-1"


class FormParser(FormDataParser):
    """Werkzeug's form parser, with a faster parser for common multipart forms.

    The faster parser needs the whole body in memory. Werkzeug's parser parses the forms that the
    faster parser rejects, for example if a delimiter directly follows the headers of a part.
    """

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], Fields, Files]:
        """Split a body of type `mimetype` into its parts. The boundary is in `options`.

        Returns:
            The stream, the text fields and the files. An invalid form gives no fields and no files.

        Raises:
            BadRequest: The boundary is missing, or the body does not contain it.
            RequestEntityTooLarge: There are more parts than `max_form_parts`, the text fields have
                more bytes than `max_form_memory_size`, or the headers of the parts are too large.
            UnsupportedMediaType: An urlencoded form is larger than `MAX_URLENCODED_BYTES`.
        """
        if mimetype == "application/x-www-form-urlencoded":
            stream = BytesIO(_read_urlencoded(stream))
        if mimetype == "multipart/form-data":
            body, boundary = stream.read(), (options or {}).get("boundary", "")
            _check_boundary(body, boundary)
            check_header_size(body, boundary)
            try:
                return stream, *self._split(body, boundary)
            except ValueError:  # MultipartError, or a line break in the content type of a part
                stream = BytesIO(replace_invalid_utf8(body, boundary))
        return super().parse(stream, mimetype, content_length, options)

    def _split(self, body: bytes, boundary: str) -> tuple[Fields, Files]:
        parts = iterate_parts(body, boundary, self.max_form_parts or len(body))
        return self._separate(map(_to_part, parts))

    def _parse_multipart(
        self,
        stream: IO[bytes],
        mimetype: str,  # noqa: ARG002  Werkzeug's interface
        content_length: int | None,
        options: dict[str, str],
    ) -> tuple[IO[bytes], Fields, Files]:
        parser = _ByteParser(self.stream_factory, max_form_parts=self.max_form_parts)
        boundary = options["boundary"].encode("ascii")
        try:
            texts, files = parser.parse(stream, boundary, content_length)
        except RequestEntityTooLarge as error:
            raise RequestEntityTooLarge(
                f"The form has more than {self.max_form_parts} parts, which is the limit. Send "
                "fewer images or fields."
            ) from error
        parts = [(name, text.encode("latin-1")) for name, text in texts.items(multi=True)]
        return stream, *self._separate([*files.items(multi=True), *parts])

    def _separate(self, parts: Iterable[tuple[str, Part]]) -> tuple[Fields, Files]:
        """Separate fields from files. A part named `image` or `file` always counts as a file."""
        fields, files = Fields(), Files()
        bytes_left = self.max_form_memory_size or math.inf
        for name, part in parts:
            if isinstance(part, FileStorage):
                files.add(name, part)
            elif name in PART_NAMES:
                files.add(name, FileStorage(BytesIO(part), name=name))
            else:
                bytes_left -= len(part)
                if bytes_left < 0:
                    raise RequestEntityTooLarge(
                        f"The text fields of the form have more than {self.max_form_memory_size} "
                        "bytes. Send only the image, in the part 'image'."
                    )
                fields.add(name, part.decode(errors="replace"))
        return fields, files


def _to_part(parsed: tuple[MultipartSegment, bytes]) -> tuple[str, Part]:
    segment, content = parsed
    name, file_name = restore_utf8(segment.name or ""), find_file_name(segment)
    if file_name is None:
        return name, content
    content_type = segment.content_type and restore_utf8(segment.content_type)
    return name, FileStorage(BytesIO(content), file_name, name, content_type=content_type)


def _check_boundary(body: bytes, boundary: str) -> None:
    if not boundary:
        raise BadRequest(
            "The header Content-Type of the form lacks the boundary. Let the HTTP library set this "
            "header, as in: curl -F image=@4.jpg"
        )
    if body and b"--" + boundary.encode() not in body:
        raise BadRequest(
            f"The boundary {boundary[:70]!r} of the header Content-Type is not in the body, which "
            f"begins with {body[:20]!r}. Let the HTTP library set this header, as in: "
            "curl -F image=@4.jpg"
        )


def read_start(stream: IO[bytes], num_bytes: int) -> bytes:
    """Return the first `num_bytes` bytes of a stream, or all bytes if the stream is shorter."""
    start = b""
    while len(start) < num_bytes and (piece := stream.read(num_bytes - len(start))):
        start += piece
    return start


def _read_urlencoded(stream: IO[bytes]) -> bytes:
    body = read_start(stream, MAX_URLENCODED_BYTES + 1)
    if len(body) > MAX_URLENCODED_BYTES:
        raise UnsupportedMediaType(
            "The form has the type application/x-www-form-urlencoded and more than "
            f"{MAX_URLENCODED_BYTES} bytes. Forms of this type cannot contain an image. Send the "
            "image as the part 'image' of a multipart form, as in: curl -F image=@4.jpg"
        )
    return body


class FormRequest(Request):
    """Request that parses forms with `FormParser` and keeps files of any size in memory."""

    form_data_parser_class = FormParser

    @cached_property
    def args(self) -> MultiDict[str, str]:
        """Parameters of the query. Bytes that are not UTF-8 become replacement characters."""
        query = self.query_string.decode(errors="replace")
        return MultiDict(parse_qsl(query, keep_blank_values=True))

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return BytesIO()
