"""Removal of transposes between the layers of a graph.

In Keras, the channels are usually on the last axis. The convolutions of OpenVINO need the channels
before the axes of the pixels. Therefore a traced graph transposes the values before and after each
convolution. Transposes take time, and OpenVINO cannot join a convolution with the bias, the batch
normalisation and the activation behind it if a transpose lies between them.

`remove_transposes` moves each transpose behind the operations that follow it, until it meets
another transpose. Two transposes are joined to one, or cancel each other. The outputs stay the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from openvino import opset16

#: Operations that compute each value from one value at the same place. Further inputs, such as the
#: limits of Clamp, are numbers.
_UNARY = (
    "Clamp Convert Elu Exp Gelu HSigmoid HSwish Mish Negative Relu Selu Sigmoid SoftPlus SoftSign "
    "Sqrt Swish Tanh"
)

#: Operations that compute each value from two values at the same place.
_BINARY = "Add Divide Maximum Minimum Multiply Subtract"


class _View(NamedTuple):
    """A transposed output of an operation: axis i of the view is axis `order[i]` of `source`."""

    source: Any
    order: tuple[int, ...]


#: Views by the output that shows the view: the name of its operation, and its index.
_Views = dict[tuple[str, int], _View]


def remove_transposes(graph: Any) -> None:
    """Change `graph`, an `openvino.Model`, so that it computes the same with fewer transposes."""
    views: _Views = {}
    for node in graph.get_ordered_ops():
        inputs = [views.get(_key(each.get_source_output())) for each in node.inputs()]
        kind = node.get_type_name()
        if kind == "Transpose":
            _join(node, inputs[0], views)
        elif view := next(filter(None, inputs), None):
            sources = _MOVES[kind](node, inputs, view.order) if kind in _MOVES else []
            for index, source in enumerate(sources):
                node.input(index).replace_source_output(source)
            if sources:
                _transpose_output(node, view.order, views)
    graph.validate_nodes_and_infer_types()


def _key(output: Any) -> tuple[str, int]:
    return output.get_node().get_name(), output.get_index()


def _join(node: Any, view: _View | None, views: _Views) -> None:
    """Join a Transpose with those before it. If they cancel each other, bypass them."""
    constant = node.input_value(1).get_node()
    if constant.get_type_name() != "Constant":
        return
    order = tuple(constant.data.tolist())
    if not order:  # It means the reverse order, which Keras does not use.
        return
    source = node.input_value(0)
    if view:
        source, order = view.source, tuple(view.order[axis] for axis in order)
        node.input(0).replace_source_output(source)
        node.input(1).replace_source_output(opset16.constant(np.array(order)).output(0))
    if order == tuple(range(len(order))):
        node.output(0).replace(source)
    else:
        views[_key(node.output(0))] = _View(source, order)


def _transpose_output(node: Any, order: Sequence[int], views: _Views) -> None:
    """Transpose the output of an operation for all operations that use it."""
    node.validate_and_infer_types()
    output = node.output(0)
    users = output.get_target_inputs()
    transpose = opset16.transpose(output, np.array(order))
    for user in users:
        user.replace_source_output(transpose.output(0))
    views[_key(transpose.output(0))] = _View(output, tuple(order))


# Each of the following functions returns the new inputs of an operation, with which its output is
# the source of a view with the given order, or an empty list if the operation cannot be moved.


def _move_unary(_node: Any, inputs: list[_View | None], _order: Sequence[int]) -> list[Any]:
    return [inputs[0].source] if inputs[0] else []


def _move_binary(node: Any, inputs: list[_View | None], order: Sequence[int]) -> list[Any]:
    """Accept two views with the same order, or a view and a vector such as a bias."""
    sources = []
    for index, view in enumerate(inputs):
        if view and view.order == order:
            sources.append(view.source)
        elif view is None and _is_vector(node.input_value(index), len(order)):
            sources.append(_to_source(node.input_value(index), order))
        else:
            return []
    return sources


def _is_vector(output: Any, max_axes: int) -> bool:
    """Return True if all sizes of the output are known, and at most one of them is not 1."""
    shape = output.get_partial_shape()
    if shape.is_dynamic or len(shape) > max_axes:
        return False
    return sum(size != 1 for size in shape.to_shape()) <= 1


def _to_source(vector: Any, order: Sequence[int]) -> Any:
    """Reshape a vector, so that the view of the result with `order` broadcasts like the vector."""
    sizes = list(vector.get_shape())
    sizes = [1] * (len(order) - len(sizes)) + sizes
    shape = np.array(sizes)[np.argsort(order)]
    return opset16.reshape(vector, shape, special_zero=False).output(0)


def _move_batch_normalization(
    _node: Any, inputs: list[_View | None], order: Sequence[int]
) -> list[Any]:
    """Accept a view whose channels stay on axis 1, where the operation expects them."""
    return [inputs[0].source] if inputs[0] and order[1] == 1 else []


def _move_pad(node: Any, inputs: list[_View | None], order: Sequence[int]) -> list[Any]:
    pads = [node.input_value(index).get_node() for index in (1, 2)]
    if not inputs[0] or any(each.get_type_name() != "Constant" for each in pads):
        return []
    moved = [opset16.constant(each.data[np.argsort(order)]).output(0) for each in pads]
    return [inputs[0].source, *moved]


def _move_concatenation(node: Any, inputs: list[_View | None], order: Sequence[int]) -> list[Any]:
    if not all(view and view.order == order for view in inputs):
        return []
    axis = node.get_attributes()["axis"] % len(order)
    node.set_attribute("axis", order[axis])
    return [view.source for view in inputs if view]


_MOVES: dict[str, Callable[[Any, list[_View | None], Sequence[int]], list[Any]]] = {
    **dict.fromkeys(_UNARY.split(), _move_unary),
    **dict.fromkeys(_BINARY.split(), _move_binary),
    "BatchNormInference": _move_batch_normalization,
    "Concat": _move_concatenation,
    "Pad": _move_pad,
}
