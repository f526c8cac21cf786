"""The chart of a comparison: bits per character against parameters, a point a model."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lilliput.faces import charts
from lilliput.faces.side_by_side import labels
from lilliput.faces.text_compare import last_section

if TYPE_CHECKING:
    from lilliput.lab.stories import TextGraded

WIDTH, HEIGHT = 560, 300
"""Of the plot itself; the names stand beside it."""
LINE = 17
"""Height of a name."""
_ROOM = 0.08
"""What is left free above and below, as a share of what is drawn."""


def bits_chart(graded: "Mapping[str, TextGraded]") -> charts.Spec:
    """The last text of each exam (all together, where there were several), with its interval.

    The names stand in a column at the right, each joined to its point by a line, since points of
    models that are alike lie on each other.
    """
    import altair as alt

    called = labels(graded)
    rows: list[dict[str, Any]] = []
    for name, one in graded.items():
        section = last_section(one)
        ends = (section.bits if end is None else end for end in (section.low, section.high))
        low, high = (round(end, 4) for end in ends)
        size = {"name": called[name], "parameters": one.model.parameters}
        rows.append({**size, "bits": round(section.bits, 4), "low": low, "high": high})
    height = max(HEIGHT, LINE * len(rows))
    bottom, top = min(row["low"] for row in rows), max(row["high"] for row in rows)
    room = (top - bottom or 1.0) * _ROOM
    bottom, top = bottom - room, top + room
    a_pixel = (top - bottom) / height
    places = spread([(top - row["bits"]) / a_pixel for row in rows], LINE, height)
    for row, place in zip(rows, places, strict=True):
        row["beside"] = round(top - place * a_pixel, 6)
    low, high = (f(row["parameters"] for row in rows) for f in (min, max))
    x = alt.X("parameters:Q", title="parameters").axis(format="~s", tickCount=5)
    x = x.scale(type="log", domain=[low / 1.25, high * 1.25], nice=False)
    y = alt.Y("bits:Q", title=charts.BITS).scale(domain=[bottom, top], nice=False, zero=False)
    chart = alt.Chart(alt.NamedData("rows"))
    at_end, beside = alt.value(WIDTH + 6), alt.Y("beside:Q")
    layers = alt.layer(
        chart.mark_rule(strokeWidth=0.8, strokeOpacity=0.6).encode(
            x=x, x2=at_end, y=y, y2=alt.Y2("beside:Q")
        ),
        chart.mark_rule(strokeWidth=2).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        chart.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y),
        chart.mark_text(align="left", baseline="middle", dx=4, limit=260).encode(
            x=at_end, y=beside, text="name:N"
        ),
    ).properties(width=WIDTH, height=height)
    spec: charts.Spec = layers.to_dict(validate=False)
    spec.pop("config", None)
    spec["datasets"] = {"rows": rows}
    spec["description"] = "Bits per character against parameters, one point a model."
    return spec


def spread(places: Sequence[float], gap: float, height: float) -> list[float]:
    """Places on a line moved apart as little as it takes from top to bottom: at least `gap` from
    one another, in the same order, and within half a gap of the ends.

    Args:
        places: each from 0 to `height`, which has room for all.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    moved, last = list(places), -math.inf
    for number in order:
        last = moved[number] = max(places[number], last + gap, gap / 2)
    last = height + gap / 2
    for number in reversed(order):
        last = moved[number] = min(moved[number], last - gap)
    return moved
