r"""How sliding windows are read: convolutions, pooling, and our own pooling primitives.

Along each axis, window \(n\) sees \(x_{sn + di - p}\) at its position \(i\), with stride \(s\), dilation \(d\) and
padding \(p\).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jax.extend.core import JaxprEqn

from pullback.autodiff import inner_jaxpr
from pullback.explain.expression import ZERO, Node, number_node
from pullback.explain.reader import Reader, Rule, not_supported
from pullback.explain.rewrite import build
from pullback.explain.rewrite_indices import bounds
from pullback.explain.rules_axes import moved
from pullback.explain.rules_sums import bound_indices
from pullback.explain.view import View


def scaled(factor: int, term: Node) -> Node:
    """A whole multiple of an index."""
    return build("mul", number_node(factor), term)


def seen(window: Node, position: Node, stride: int, dilation: int, low: int) -> Node:
    """Where the window looks: its stride times its number, the dilated position, less the padding."""
    return build("add", scaled(stride, window), scaled(dilation, position), number_node(-low))


def read_beyond(reader: Reader, x: View, place: Sequence[Node], outside: Node) -> Node:
    """The entry at a place that may lie beyond the edge, where it is `outside`."""
    unsafe = [
        axis
        for axis, (sub, size) in enumerate(zip(place, x.shape, strict=True))
        if (limits := bounds(sub)) is not None and not (limits[0] >= 0 and limits[1] < size)
    ]
    if not unsafe:
        return x.at(*place)
    conditions = [build("eq", place[axis], ZERO) for axis in unsafe if x.shape[axis] == 1]
    entry = x if len(conditions) == len(unsafe) else reader.named(x, outside)
    return build("cases", build("and", *conditions), entry.at(*place), outside)


def _convolution(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (x, kernel), settings = operands, equation.params
    x = reader.named(x) if x.at(*reader.new_indices(x.shape)).op == "cases" else x
    numbers = settings["dimension_numbers"]
    groups, batch_groups = settings["feature_group_count"], settings["batch_group_count"]
    out_channels = kernel.shape[numbers.rhs_spec[0]]
    width = kernel.shape[numbers.rhs_spec[1]]
    (channel,), bound_channel = bound_indices(reader, [width])
    positions, bound_positions = bound_indices(reader, [kernel.shape[axis] for axis in numbers.rhs_spec[2:]])
    sources, bound_sources = bound_indices(
        reader,
        [
            x.shape[axis] if spread > 1 else 1
            for axis, spread in zip(numbers.lhs_spec[2:], settings["lhs_dilation"], strict=True)
        ],
    )
    steps = list(
        zip(
            settings["window_strides"],
            settings["rhs_dilation"],
            settings["padding"],
            settings["lhs_dilation"],
            strict=True,
        )
    )

    def entry(*place: Node) -> Node:
        batch, out, *windows = (place[axis] for axis in numbers.out_spec)
        image: list[Node] = [ZERO] * len(x.shape)
        weight: list[Node] = [ZERO] * len(kernel.shape)
        of_batch = build("floor_div", out, number_node(out_channels // batch_groups))
        image[numbers.lhs_spec[0]] = build("add", scaled(x.shape[numbers.lhs_spec[0]] // batch_groups, of_batch), batch)
        of_group = build("floor_div", out, number_node(out_channels // groups))
        image[numbers.lhs_spec[1]] = build("add", scaled(width, of_group), channel)
        weight[numbers.rhs_spec[0]], weight[numbers.rhs_spec[1]] = out, channel
        matches = []
        for number, (stride, dilation, (low, _), spread) in enumerate(steps):
            target = seen(windows[number], positions[number], stride, dilation, low)
            weight[numbers.rhs_spec[2 + number]] = positions[number]
            if spread > 1:
                matches.append(build("bracket", build("eq", scaled(spread, sources[number]), target)))
                target = sources[number]
            image[numbers.lhs_spec[2 + number]] = target
        product = build("mul", *matches, read_beyond(reader, x, image, ZERO), kernel.at(*weight))
        return build("sum", product, data=(*bound_sources, *bound_positions, *bound_channel))

    return moved(equation, entry)


def _window_reduction(op: str, outside: Node) -> Rule:
    def rule(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
        (x, *_), settings = operands, equation.params
        if any(spread > 1 for spread in settings["base_dilation"]):
            raise not_supported(equation.primitive.name, f"base_dilation {settings['base_dilation']}")
        positions, bound = bound_indices(reader, settings["window_dimensions"])

        def entry(*place: Node) -> Node:
            steps = zip(
                place,
                positions,
                settings["window_strides"],
                settings["window_dilation"],
                settings["padding"],
                strict=True,
            )
            inner = [seen(sub, position, stride, dilation, low) for sub, position, stride, dilation, (low, _) in steps]
            return build(op, read_beyond(reader, x, inner, outside), data=bound)

        return moved(equation, entry)

    return rule


def _pool_places(x_rank: int, settings: Any, place: Sequence[Node], positions: Sequence[Node]) -> list[Node]:
    """Where in the image a window of our pooling looks: the spatial axes stand before the channels."""
    leading = x_rank - 1 - len(positions)
    spatial = [
        seen(place[leading + axis], position, stride, 1, low)
        for axis, (position, stride, (low, _)) in enumerate(
            zip(positions, settings["stride"], settings["padding"], strict=True)
        )
    ]
    return [*place[:leading], *spatial, place[-1]]


def _max_pool(reader: Reader, equation: JaxprEqn, operands: list[View]) -> list[View]:
    (x,), settings = operands, equation.params
    positions, bound = bound_indices(reader, settings["window"])
    inner = inner_jaxpr(equation)
    assert inner is not None
    largest: Any = equation.outvars[0].aval

    def entry(*place: Node) -> Node:
        where = _pool_places(len(x.shape), settings, place, positions)
        return build("maximum_over", read_beyond(reader, x, where, number_node(-math.inf)), data=bound)

    return [View(largest.shape, largest.dtype, entry), reader.closed(inner, operands)[1]]


def _position_number(positions: Sequence[Node], window: Sequence[int]) -> Node:
    number: Node = ZERO
    for position, size in zip(positions, window, strict=True):
        number = build("add", scaled(size, number), position)
    return number


def _pool_select(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (x, chosen), settings = operands, equation.params
    positions, bound = bound_indices(reader, settings["window"])

    def entry(*place: Node) -> Node:
        picks = build("eq", chosen.at(*place), _position_number(positions, settings["window"]))
        where = _pool_places(len(x.shape), settings, place, positions)
        value = build("mul", build("bracket", picks), read_beyond(reader, x, where, ZERO))
        return build("sum", value, data=bound)

    return moved(equation, entry)


def _pool_place(reader: Reader, equation: JaxprEqn, operands: list[View]) -> View:
    (y, chosen), settings = operands, equation.params
    rank = len(settings["window"])
    leading = len(y.shape) - 1 - rank
    positions, bound = bound_indices(reader, settings["window"])
    windows, bound_windows = bound_indices(reader, y.shape[leading:-1])

    def entry(*place: Node) -> Node:
        source = (*place[:leading], *windows, place[-1])
        reached = _pool_places(len(y.shape), settings, source, positions)
        matches = [
            build("bracket", build("eq", place[axis], reached[axis])) for axis in range(leading, len(y.shape) - 1)
        ]
        picks = build("eq", chosen.at(*source), _position_number(positions, settings["window"]))
        value = build("mul", *matches, build("bracket", picks), y.at(*source))
        return build("sum", value, data=(*bound_windows, *bound))

    return moved(equation, entry)


RULES: dict[str, Rule] = {
    "conv_general_dilated": _convolution,
    "max_pool": _max_pool,
    "max_pool_place": _pool_place,
    "max_pool_select": _pool_select,
    "reduce_window_max": _window_reduction("maximum_over", number_node(-math.inf)),
    "reduce_window_min": _window_reduction("minimum_over", number_node(math.inf)),
    "reduce_window_sum": _window_reduction("sum", ZERO),
}
