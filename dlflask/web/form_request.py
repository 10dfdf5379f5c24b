"""Flask requests whose forms are parsed by `multipart_form` and kept in memory."""

from __future__ import annotations

from io import BytesIO
from typing import IO

from flask import Request
from multipart import MultipartSegment
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.formparser import FormDataParser

from dlflask.web.multipart_form import check_part_headers, decode_header, iterate_parts

Files = MultiDict[str, FileStorage]
Fields = MultiDict[str, str]

#: Largest urlencoded form, in bytes; the page's button sends `sample=4`. Werkzeug does not limit
#: such forms and makes objects of thirty times their size.
MAX_URLENCODED_BYTES = 4096


class FormParser(FormDataParser):
    """Werkzeug's parser with a faster one before it for multipart forms.

    The faster one reads the whole body, which the request's limit bounds. Forms that it rejects are
    left to Werkzeug's, which accepts more, such as an empty part without a line break of its own.
    """

    def parse(
        self,
        stream: IO[bytes],
        mimetype: str,
        content_length: int | None,
        options: dict[str, str] | None = None,
    ) -> tuple[IO[bytes], Fields, Files]:
        """Split a body of type `mimetype`, whose boundary is in `options`.

        Returns:
            The stream, the fields and the files; both are empty if the form is not valid.

        Raises:
            RequestEntityTooLarge: There are more parts than `max_form_parts`, the fields have more
                bytes than `max_form_memory_size`, or the headers are too large.
            UnsupportedMediaType: A form without files is larger than `MAX_URLENCODED_BYTES`.
        """
        if mimetype == "application/x-www-form-urlencoded":
            stream = BytesIO(_read_urlencoded(stream))
        if mimetype == "multipart/form-data":
            body, boundary = stream.read(), (options or {}).get("boundary", "")
            check_part_headers(body, boundary)
            try:
                return stream, *self._split(body, boundary)
            except ValueError:  # a MultipartError, or a line break in a part's type
                stream = BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)

    def _split(self, body: bytes, boundary: str) -> tuple[Fields, Files]:
        fields, files = Fields(), Files()
        bytes_left = self.max_form_memory_size or len(body)
        for segment, content in iterate_parts(body, boundary, self.max_form_parts or len(body)):
            name = decode_header(segment.name)
            if segment.filename is not None:
                files.add(name, _to_file(segment, content))
                continue
            bytes_left -= len(content)
            if bytes_left < 0:
                raise RequestEntityTooLarge
            fields.add(name, content.decode(errors="replace"))
        return fields, files


def _read_urlencoded(stream: IO[bytes]) -> bytes:
    body = b""
    while len(body) <= MAX_URLENCODED_BYTES and (piece := stream.read(MAX_URLENCODED_BYTES)):
        body += piece
    if len(body) > MAX_URLENCODED_BYTES:
        raise UnsupportedMediaType(
            "The form has the type application/x-www-form-urlencoded and over "
            f"{MAX_URLENCODED_BYTES} bytes; forms of this type cannot contain an image. Send the "
            "image as the part 'image' of a multipart form, as in: curl -F image=@4.jpg"
        )
    return body


def _to_file(segment: MultipartSegment, content: bytes) -> FileStorage:
    return FileStorage(
        BytesIO(content),
        decode_header(segment.filename),
        decode_header(segment.name),
        content_type=decode_header(segment.content_type),
    )


class FormRequest(Request):
    """A request whose forms `FormParser` parses, in memory whatever their size."""

    form_data_parser_class = FormParser

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return BytesIO()
