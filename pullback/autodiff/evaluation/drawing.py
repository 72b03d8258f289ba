"""The graph of an evaluation as a picture in SVG that needs nothing else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from pullback.autodiff.evaluation.layout import Layout, layout
from pullback.autodiff.evaluation.row import Row

FONT = 12
# A character of a monospaced face is six tenths as wide as the face is high.
LETTER = 0.6 * FONT
LINE = 17
PADDING = 9
LAYER_GAP = 34
MARGIN = 14
LONGEST = 46
FILLS = {"argument": "#eef3fa", "result": "#fdf3dc", "operation": "#ffffff"}
STROKE, FAINT = "#3b4a5a", "#7a8896"


def drawing(name: str, inputs: Sequence[Row], rows: Sequence[Row], results: Collection[str], digits: int | None) -> str:
    """Boxes with expression, value, tangent and adjoint; a double frame is a row that opens."""
    boxes = [*inputs, *rows]
    number = {row.name: position for position, row in enumerate(boxes)}
    texts = [_texts(row, digits) for row in boxes]
    widths = [2 * PADDING + LETTER * max(map(len, lines)) for lines in texts]
    heights = [2 * PADDING + LINE * len(lines) - 5 for lines in texts]
    found = layout([[number[name] for name in row.operands if name in number] for row in boxes], widths)
    tops, bottom = _tops(found, heights)
    width = max((found.center[box] + widths[box] / 2 for box in found.center), default=0.0) + 2 * MARGIN
    arrows = [_arrow(found, tops, heights, edge) for edge in found.paths]
    drawn = [
        _box(row, texts[box], found.center[box] + MARGIN, tops[found.layer[box]], widths[box], row.name in results)
        for box, row in enumerate(boxes)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width:.1f} {bottom:.1f}" '
        f'width="{width:.0f}" height="{bottom:.0f}" style="max-width:100%;height:auto" '
        f'font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="{FONT}">'
        f"<title>{escape(f'evaluation of {name}')}</title>"
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(arrows)}{"".join(drawn)}</svg>'
    )


def _texts(row: Row, digits: int | None) -> list[str]:
    title = f"{row.name} = {row.expression}" if row.expression else row.name
    value, tangent, adjoint = row.cells(digits)
    lines = [title if len(title) <= LONGEST else f"{title[: LONGEST - 1]}…", f"value    {value}"]
    if tangent or adjoint:
        lines += [f"tangent  {tangent}", f"adjoint  {adjoint}"]
    return lines


def _tops(found: Layout, heights: Sequence[float]) -> tuple[dict[int, float], float]:
    """The upper edge of each layer, and the lower edge of the picture."""
    tallest: dict[int, float] = {}
    for box, layer in found.layer.items():
        tallest[layer] = max(tallest.get(layer, 0.0), heights[box])
    tops, y = {}, float(MARGIN)
    for layer in range(1 + max(tallest, default=-1)):
        tops[layer] = y
        y += tallest.get(layer, 0.0) + LAYER_GAP
    return tops, y - LAYER_GAP + MARGIN if tops else 2.0 * MARGIN


def _arrow(found: Layout, tops: dict[int, float], heights: Sequence[float], edge: tuple[int, int]) -> str:
    source, _ = edge
    points = [(x + MARGIN, tops[layer]) for layer, x in found.paths[edge]]
    x, y = points[0][0], points[0][1] + heights[source]
    path = [f"M{x:.1f} {y:.1f}"]
    for position, (next_x, top) in enumerate(points[1:], 1):
        last = position == len(points) - 1
        end = top - (6 if last else 0)
        middle = (y + end) / 2
        path.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {end:.1f}")
        x, y = next_x, end
        if not last:
            y = tops[found.paths[edge][position][0] + 1] - LAYER_GAP
            path.append(f"L{x:.1f} {y:.1f}")
    head = f"M{x - 3.5:.1f} {y - 1:.1f}L{x:.1f} {y + 6:.1f}L{x + 3.5:.1f} {y - 1:.1f}Z"
    return f'<path d="{"".join(path)}" fill="none" stroke="{FAINT}"/><path d="{head}" fill="{FAINT}"/>'


def _box(row: Row, lines: Sequence[str], center: float, top: float, width: float, is_result: bool) -> str:
    left, height = center - width / 2, 2 * PADDING + LINE * len(lines) - 5
    fill = FILLS["result"] if is_result else FILLS.get(row.kind, FILLS["operation"])
    frame = _frame(left, top, width, height, f'fill="{fill}" stroke="{STROKE}"')
    if row.opens:
        frame += _frame(left + 3, top + 3, width - 6, height - 6, f'fill="none" stroke="{FAINT}"')
    written = "".join(
        f'<text x="{left + PADDING:.1f}" y="{top + PADDING + FONT - 2 + LINE * position:.1f}" xml:space="preserve" '
        f"{_ink(position)}>{escape(line)}</text>"
        for position, line in enumerate(lines)
    )
    return f"<g><title>{escape(f'{row.name} = {row.expression}')}</title>{frame}{written}</g>"


def _frame(left: float, top: float, width: float, height: float, paint: str) -> str:
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="4" {paint}/>'


def _ink(position: int) -> str:
    return f'fill="{STROKE}"' if position else 'fill="#000000" font-weight="600"'
