"""Prefix codes of lossless WebP, and a reader of bits.

A prefix code represents each symbol by a short sequence of bits. The file stores only the length of
each sequence.

Source: RFC 9649, 2024, section 3.7.2.
"""

from __future__ import annotations

#: The lengths of a prefix code are coded by a second prefix code. The file stores the lengths of
#: the second code in this order of its symbols.
_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

#: Symbols of the second code for repetitions: 16 repeats the last length above 0, 17 and 18 repeat
#: the length 0. The values are the number of extra bits and the minimum number of repetitions.
_REPEATS = {16: (2, 3), 17: (3, 3), 18: (7, 11)}

#: Table of a prefix code. The index is the value of the next bits. An entry contains the number of
#: bits that a symbol takes, and the symbol.
Table = list[tuple[int, int]]


class Bits:
    """Reader of bits, the least significant bit of each byte first.

    After the end of the data, the reader returns zeros, as libwebp does.
    """

    def __init__(self, data: memoryview, start: int) -> None:
        self._data, self.position = data, 8 * start

    def peek(self) -> int:
        """Return the next 57 to 64 bits, without moving the position."""
        byte = self.position >> 3
        return int.from_bytes(self._data[byte : byte + 8], "little") >> (self.position & 7)

    def take(self, count: int) -> int:
        """Read a number of at most 57 bits."""
        value = self.peek() & ((1 << count) - 1)
        self.position += count
        return value

    def symbol(self, table: Table) -> int:
        """Read one symbol of a prefix code."""
        length, symbol = table[self.peek() & (len(table) - 1)]
        self.position += length
        return symbol

    def skip_symbols(self, tables: list[Table]) -> None:
        """Skip one symbol of each prefix code: at most three symbols, of at most 15 bits each."""
        ahead, used = self.peek(), 0
        for table in tables:
            used += table[(ahead >> used) & (len(table) - 1)][0]
        self.position += used


def read_code(bits: Bits, size: int) -> Table:
    """Read a prefix code.

    Args:
        bits: Reader at the position where the code begins.
        size: Number of symbols.

    Raises:
        ValueError: The code is not complete or has too many symbols.
    """
    return _table(_simple_code(bits, size) if bits.take(1) else _normal_code(bits, size))


def _simple_code(bits: Bits, size: int) -> list[int]:
    """Read a code of one or two symbols.

    Return the length of each symbol's code in bits, 0 for an unused symbol.
    """
    lengths = [0] * size
    has_second = bits.take(1)
    symbols = [bits.take(8 if bits.take(1) else 1)]
    if has_second:
        symbols.append(bits.take(8))
    for symbol in symbols:
        if symbol < size:
            lengths[symbol] = 1
    return lengths


def _normal_code(bits: Bits, size: int) -> list[int]:
    """Read the second code, and use it to decode the lengths of the prefix code.

    Return the length of each symbol's code in bits, 0 for an unused symbol.
    """
    second_code = [0] * 19
    for symbol in _ORDER[: 4 + bits.take(4)]:
        second_code[symbol] = bits.take(3)
    table, count = _table(second_code), size
    if bits.take(1):
        count = 2 + bits.take(2 + 2 * bits.take(3))
        if count > size:
            raise ValueError("a prefix code has too many symbols")
    lengths: list[int] = []
    last = 8
    while len(lengths) < size and count:
        count -= 1
        length = bits.symbol(table)
        if length < 16:
            lengths.append(length)
            last = length or last
            continue
        extra_bits, min_count = _REPEATS[length]
        lengths += [last if length == 16 else 0] * (min_count + bits.take(extra_bits))
        if len(lengths) > size:
            raise ValueError("a prefix code has too many lengths")
    return lengths + [0] * (size - len(lengths))


def _table(lengths: list[int]) -> Table:
    """Return the table of a prefix code with these `lengths` in bits, 0 for an unused symbol.

    If the code has only one symbol, this symbol takes no bits.
    """
    used = [(length, symbol) for symbol, length in enumerate(lengths) if length]
    if len(used) == 1:
        return [(0, used[0][1])]
    longest = max(lengths)
    table: Table = [(0, 0)] * (1 << longest)
    # `free` is the number of entries that are not filled yet.
    code, free = 0, 1 << longest
    for length, symbol in sorted(used):
        free -= 1 << (longest - length)
        if free < 0:
            break
        # Reverse the bits, because the first bit of a code is the lowest bit of the index.
        start = int(f"{code:0{longest}b}"[::-1], 2)
        table[start :: 1 << length] = [(length, symbol)] * (1 << (longest - length))
        code += 1 << (longest - length)
    if free or not used:
        raise ValueError("a prefix code is not complete")
    return table
