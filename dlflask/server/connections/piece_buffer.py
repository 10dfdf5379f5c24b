"""Buffer that keeps the bytes of a request in a small number of pieces."""

from __future__ import annotations

#: Pieces with fewer bytes than this are joined, because each piece takes 40 bytes of memory in
#: addition to its content.
_SHORT_PIECE = 4 * 1024
#: Short pieces are joined until they have this number of bytes, or until a long piece follows.
_JOINED_PIECE = 64 * 1024


class PieceBuffer:
    """Received bytes in pieces, in the order in which they arrived."""

    __slots__ = ("_pieces", "_tail")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._tail = bytearray()

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def add_headers(self, data: bytes) -> None:
        """Add the first piece, which contains all headers."""
        self._pieces.append(data)

    def add_body(self, data: bytes) -> None:
        """Add bytes of the body."""
        if len(data) < _SHORT_PIECE:
            self._tail += data
            if len(self._tail) < _JOINED_PIECE:
                return
            data = b""
        self._flush_tail()
        if data:
            self._pieces.append(data)

    def drop_body(self) -> None:
        """Delete all pieces except the first, which contains the headers."""
        del self._pieces[1:]
        self._tail.clear()

    def take(self) -> list[bytes]:
        """Return all pieces and empty the buffer."""
        self._flush_tail()
        pieces, self._pieces = self._pieces, []
        return pieces

    def _flush_tail(self) -> None:
        if self._tail:
            self._pieces.append(bytes(self._tail))
            self._tail.clear()
