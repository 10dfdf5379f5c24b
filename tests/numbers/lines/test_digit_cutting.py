import numpy as np

from dlflask.imaging.morphology.blobs import find_blobs
from dlflask.numbers.lines.digit_cutting import cut_digits, to_tensor


def bars(*columns, width=60, height=40):
    ink = np.zeros((height, width), np.float32)
    for start, stop in columns:
        ink[5:35, start:stop] = 1
    return ink


def cut_pieces(ink, middles):
    return cut_digits(ink, find_blobs(ink > 0.2).paint(), middles)


def cut(ink, middles):
    """Return the ink of each character in an array of the size of the line."""
    pieces = []
    for part, (top, left, bottom, right) in cut_pieces(ink, middles):
        piece = np.zeros_like(ink)
        piece[top:bottom, left:right] = part
        pieces.append(piece)
    return pieces


def test_cut_digits_gives_whole_blobs_to_their_places():
    ink = bars((5, 10), (25, 30), (45, 50))

    first, second, third = cut(ink, [7, 27, 47])

    np.testing.assert_array_equal(first, bars((5, 10)))
    np.testing.assert_array_equal(second, bars((25, 30)))
    np.testing.assert_array_equal(third, bars((45, 50)))


def test_cut_digits_keeps_a_slanted_digit_whole():
    ink = np.zeros((40, 60), np.float32)
    for row in range(30):
        ink[5 + row, 40 - row : 44 - row] = 1
    ink[20:35, 44:50] = 1

    slanted, _ = cut(ink, [25, 47])

    assert slanted.sum() == 30 * 4


def test_cut_digits_cuts_touching_digits_where_ink_is_least():
    ink = bars((5, 15), (25, 35))
    ink[20, 15:25] = 1

    first, second = cut(ink, [10, 30])

    assert first[:, :15].sum() == second[:, 25:].sum() == 300
    assert first[:, 25:].sum() == second[:, :15].sum() == 0
    np.testing.assert_array_equal(first + second, ink)


def test_cut_digits_divides_all_ink():
    rng = np.random.default_rng(0)
    ink = (rng.random((40, 80)) > 0.7).astype(np.float32)

    np.testing.assert_array_equal(sum(cut(ink, [10, 30, 55])), ink)


def test_cut_digits_of_a_character_without_ink():
    first, second = cut_pieces(bars((5, 10)), [7, 50])
    (nothing,) = cut_pieces(bars(), [30])

    assert (first.ink.shape, first.box) == ((30, 5), (5, 5, 35, 10))
    assert second.box is None
    assert nothing.box is None
    assert not to_tensor(nothing.ink).any()


def test_to_tensor():
    (digit,) = cut_pieces(bars((5, 10)), [7])

    tensor = to_tensor(digit.ink)

    assert tensor.shape == (28, 28)
    assert np.count_nonzero(tensor.any(axis=1)) == 20
