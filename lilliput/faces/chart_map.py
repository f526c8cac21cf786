"""The chart of a heat map: a picture with both operands as axes. Knows no exam."""

from lilliput.faces import charts


def heat_map(
    image: str, *, low: int, high: int, bands: charts.Rows, title: str, subtitle: str
) -> charts.Spec:
    """A picture with both operands as axes.

    Args:
        image: the picture as a data URI, its bottom left at (low, low).
        bands: rows of x, x2, y, y2 in operands: what is held out.
    """
    import altair as alt

    side = 300
    span = [low - 0.5, high + 0.5]
    x = alt.X("x:Q", title="right operand").scale(domain=span, nice=False, zero=False)
    y = alt.Y("y:Q", title="left operand").scale(domain=span, nice=False, zero=False)
    axis = {"grid": False, "format": "d", "tickMinStep": 1}
    x, y = x.axis(**axis, tickCount=8), y.axis(**axis, tickCount=8)
    picture = alt.Chart(alt.NamedData("image")).mark_image(
        width=side, height=side, align="left", baseline="top", smooth=False
    )
    picture = picture.encode(url="url:N", x=alt.value(0), y=alt.value(0))
    frame = alt.Chart(alt.NamedData("bands")).mark_rect(
        fillOpacity=0.1, fill="black", stroke="#222222", strokeWidth=1.2, strokeDash=[4, 2]
    )
    chart = alt.layer(picture, frame.encode(x=x, x2="x2:Q", y=y, y2="y2:Q")).properties(
        width=side, height=side, title=alt.Title(title, subtitle=subtitle)
    )
    return charts.with_data(
        chart, {"image": [{"url": image}], "bands": bands}, f"{title}: {subtitle}"
    )
