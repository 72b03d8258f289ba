r"""Places for the boxes of a directed graph in layers, from top to bottom.

Each box lies below all that it is made of. Inside the layers boxes are ordered so that few arrows cross (each at the
mean position of its neighbors, sweeping down and up), and then moved by least squares towards their neighbors, keeping
order and distance.

Source: K. Sugiyama, S. Tagawa, M. Toda, Methods for visual understanding of hierarchical system structures, IEEE
Transactions on Systems, Man, and Cybernetics 11(2), 1981. Least squares under an order: pool adjacent violators.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SWEEPS = 12
SETTLING = 40
# Where an arrow passes a layer it takes this much room.
THREAD = 12.0


@dataclass(frozen=True)
class Layout:
    """Layer and horizontal center of each box, and for each arrow the points (layer, center) that it passes."""

    layer: dict[int, int]
    center: dict[int, float]
    paths: dict[tuple[int, int], list[tuple[int, float]]]


def layout(operands: Sequence[Sequence[int]], widths: Sequence[float], gap: float = 24.0) -> Layout:
    """Lay out boxes `0, 1, ...`, where box `i` is made of the earlier boxes `operands[i]`.

    Examples
    --------
    >>> found = layout([[], [], [0, 1]], [40.0, 40.0, 40.0])
    >>> found.layer, found.center[2] == (found.center[0] + found.center[1]) / 2
    ({0: 0, 1: 0, 2: 1}, True)
    """
    layers = _layers(operands)
    edges = [(source, box) for box, sources in enumerate(operands) for source in dict.fromkeys(sources)]
    chains = _threads(edges, layers, len(operands))
    rank = {
        **layers,
        **{t: layers[e[0]] + n for e, chain in chains.items() for n, t in enumerate(chain) if n and t not in layers},
    }
    width = {**dict(enumerate(widths)), **{node: THREAD for node in rank if node not in layers}}
    above: dict[int, list[int]] = {node: [] for node in rank}
    below: dict[int, list[int]] = {node: [] for node in rank}
    for chain in chains.values():
        for upper, lower in zip(chain, chain[1:], strict=False):
            above[lower].append(upper)
            below[upper].append(lower)
    rows = _ordered(rank, above, below)
    center = _centered(rows, width, above, below, gap)
    paths = {edge: [(rank[node], center[node]) for node in chain] for edge, chain in chains.items()}
    return Layout(layers, {node: center[node] for node in layers}, paths)


def _layers(operands: Sequence[Sequence[int]]) -> dict[int, int]:
    """The longest way to each box; one that is made of nothing lies right above the first that uses it."""
    layer: dict[int, int] = {}
    for box, sources in enumerate(operands):
        layer[box] = 1 + max((layer[source] for source in sources), default=-1)
    uses: dict[int, int] = {}
    for box, sources in enumerate(operands):
        for source in sources:
            uses[source] = min(uses.get(source, layer[box]), layer[box])
    return {box: uses[box] - 1 if not operands[box] and box in uses else layer[box] for box in layer}


def _threads(
    edges: Sequence[tuple[int, int]], layers: Mapping[int, int], count: int
) -> dict[tuple[int, int], list[int]]:
    """For each arrow the nodes that it passes: its ends, and one of its own in each layer between."""
    found = {}
    for source, target in edges:
        between = layers[target] - layers[source] - 1
        found[source, target] = [source, *range(count, count + between), target]
        count += between
    return found


def _ordered(
    rank: Mapping[int, int], above: Mapping[int, list[int]], below: Mapping[int, list[int]]
) -> list[list[int]]:
    """The nodes of each layer from left to right."""
    rows: list[list[int]] = [[] for _ in range(1 + max(rank.values(), default=-1))]
    for node in sorted(rank):
        rows[rank[node]].append(node)
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(SWEEPS):
        neighbors = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            position = {node: place for line in rows for place, node in enumerate(line)}
            row.sort(key=lambda node: _mean([position[n] for n in neighbors[node]], position[node]))
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def _crossings(rows: Sequence[Sequence[int]], below: Mapping[int, list[int]]) -> int:
    """How many pairs of arrows between neighboring layers cross."""
    total = 0
    for row, following in zip(rows, rows[1:], strict=False):
        place = {node: position for position, node in enumerate(following)}
        ends = [sorted(place[target] for target in below[node]) for node in row]
        flat = [end for group in ends for end in group]
        total += sum(flat[i] > later for i in range(len(flat)) for later in flat[i + 1 :])
    return total


def _centered(
    rows: Sequence[Sequence[int]],
    width: Mapping[int, float],
    above: Mapping[int, list[int]],
    below: Mapping[int, list[int]],
    gap: float,
) -> dict[int, float]:
    center = {}
    for row in rows:
        right = 0.0
        for node in row:
            center[node] = right + width[node] / 2
            right += width[node] + gap
    for sweep in range(SETTLING):
        # The last sweep goes down alone, so that boxes one after the other stand one below the other.
        last = sweep == SETTLING - 1
        for row in reversed(rows) if sweep % 2 and not last else rows:
            near = [above[node] if last else [*above[node], *below[node]] for node in row]
            wished = [
                _mean([center[other] for other in others], center[node]) for node, others in zip(row, near, strict=True)
            ]
            placed = spread([width[node] for node in row], wished, gap)
            center.update(zip(row, placed, strict=True))
    left = min((center[node] - width[node] / 2 for node in center), default=0.0)
    return {node: x - left for node, x in center.items()}


def spread(widths: Sequence[float], wished: Sequence[float], gap: float) -> list[float]:
    r"""Centers nearest to the wished ones, in this order and without overlap: \(\min \sum_i (x_i - w_i)^2\).

    Examples
    --------
    >>> spread([10.0, 10.0, 10.0], [0.0, 0.0, 50.0], 2.0)
    [-6.0, 6.0, 50.0]
    """
    offsets = [0.0]
    for left, right in zip(widths, widths[1:], strict=False):
        offsets.append(offsets[-1] + (left + right) / 2 + gap)
    blocks: list[list[float]] = []
    for wish, offset in zip(wished, offsets, strict=False):
        blocks.append([wish - offset, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            before, size = blocks[-1]
            blocks[-1] = [(before * size + mean * count) / (size + count), size + count]
    common = [mean for mean, count in blocks for _ in range(int(count))]
    return [mean + offset for mean, offset in zip(common, offsets, strict=False)]
