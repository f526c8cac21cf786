"""Charts as Vega-Lite specifications, and as SVG and PNG; knows no ledger, no run and no page.

Rows come as dictionaries and lie in a chart's `datasets`, so that altair does not check each one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lilliput.units import pass_words

Rows = Sequence[Mapping[str, Any]]
Spec = dict[str, Any]

CONFIRMED, VALIDATED, WHOLE, TYPICAL, FAILURE, BESIDE = (
    "confirmed",
    "validated",
    "all problems",
    "typical",
    "total failure",
    "for comparison",
)
SHAPES = {
    CONFIRMED: "circle",
    VALIDATED: "square",
    WHOLE: "circle",
    TYPICAL: "diamond",
    FAILURE: "triangle-down",
    BESIDE: "cross",
}
WIDTH, HEIGHT = 760, 380
FEW = 4
"""Points of a line at most that are drawn as such: through one, a line is nothing to see."""

# Okabe and Ito's colours, told apart with every kind of colour blindness; lighter on dark.
_LIGHT = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_DARK = ("#56b4e9", "#e69f00", "#2fc79a", "#e39bc4", "#f0e442", "#d55e00")


def _theme(text: str, quiet: str, colours: Sequence[str], ramp: Sequence[str]) -> Spec:
    """A Vega configuration. `font` is one that vl-convert brings or that looks like it."""
    axis = {
        "labelColor": quiet,
        "titleColor": text,
        "gridColor": quiet,
        "gridOpacity": 0.16,
        "domainColor": quiet,
        "tickColor": quiet,
        "domainOpacity": 0.5,
        "tickOpacity": 0.5,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 10,
    }
    legend = {
        "labelColor": text,
        "titleColor": quiet,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 300,
    }
    title = {"color": text, "subtitleColor": quiet, "fontSize": 14, "subtitleFontSize": 12}
    return {
        "font": "Helvetica, Arial, Liberation Sans, sans-serif",
        "view": {"stroke": None},
        "axis": axis,
        "legend": legend,
        "title": {**title, "anchor": "start", "fontWeight": "bold"},
        "text": {"color": quiet, "fontSize": 12},
        "rule": {"color": quiet},
        "range": {"category": list(colours), "ramp": list(ramp)},
    }


THEMES = {
    "light": _theme("#1c2430", "#5b6676", _LIGHT, ("#9ccbe8", "#3d8fc4", "#0b3c66")),
    "dark": _theme("#e6e9ee", "#9aa5b4", _DARK, ("#44617d", "#6fb1dc", "#ffe9a8")),
}


def log_ticks(low: float, high: float) -> list[int]:
    """1, 2, 5, 10, … from `low` to `high`.

    >>> log_ticks(900, 12_000)
    [1000, 2000, 5000, 10000]
    """
    steps = (factor * 10**power for power in range(12) for factor in (1, 2, 5))
    return [step for step in steps if low <= step <= high]


def frontier(
    points: Rows, trials: Rows, *, families: Sequence[str], pass_mark: float, floor: float
) -> Spec:
    """Score against parameters.

    Args:
        points: rows of family, parameters, score, low, high, kind (of SHAPES), text, and maybe cut,
            which stands beside the point.
        trials: rows of family, parameters, score, text; faint.
    """
    import altair as alt

    sizes = [row["parameters"] for row in [*points, *trials]] or [1_000, 10_000]
    low, high = min(sizes) / 1.2, max(sizes) * 1.2
    ticks = log_ticks(low, high)
    x = alt.X("parameters:Q", title="parameters").scale(type="log", domain=[low, high], nice=False)
    x = x.axis(values=ticks, format="~s") if len(ticks) > 1 else x.axis(format="~s", tickCount=4)
    points, trials = as_bits(points), as_bits(trials)
    y = alt.Y("score:Q", title="score").scale(domain=[0, 1]).axis(format=".0%")
    if pass_mark < 0:
        y = alt.Y("score:Q", title=BITS).scale(zero=False)
    colour = (
        alt.Color("family:N", title=None)
        .scale(domain=list(families))
        .legend(orient="top", direction="horizontal")
    )
    kinds = [kind for kind in SHAPES if any(row["kind"] == kind for row in points)]
    shape = (
        alt.Shape("kind:N", title=None)
        .scale(domain=kinds, range=[SHAPES[kind] for kind in kinds])
        .legend(orient="top", direction="horizontal", columns=2, symbolFillColor="gray")
    )
    tooltip = [alt.Tooltip("text:N", title=" ")]
    found = alt.Chart(alt.NamedData("points"))
    lowest = found.transform_filter(alt.datum.kind == FAILURE)
    typical = found.transform_filter(alt.datum.kind == TYPICAL)
    possible = found.transform_filter(
        alt.FieldOneOfPredicate("kind", [CONFIRMED, VALIDATED, WHOLE, BESIDE])
    )
    cuts = [row for row in points if "cut" in row]
    # Slanted, so that the words of neighbouring sizes lie beside each other.
    slanted = alt.Chart(alt.NamedData("cuts")).mark_text(angle=45, align="left", dx=9, dy=4)
    interval = {"x": x, "y": alt.Y("low:Q"), "y2": "high:Q", "color": colour}
    chart = alt.layer(
        _rules(alt),
        alt.Chart(alt.NamedData("trials"))
        .mark_circle(size=26, opacity=1, fillOpacity=0.25)
        .encode(x=x, y=y, color=colour, tooltip=tooltip),
        possible.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour),
        typical.mark_line(strokeWidth=1.5, strokeDash=[5, 4]).encode(x=x, y=y, color=colour),
        typical.mark_rule(strokeWidth=1, strokeOpacity=0.5).encode(**interval),
        possible.mark_rule(strokeWidth=2.5, strokeOpacity=0.75).encode(**interval),
        *(
            part.mark_point(filled=True, size=size, opacity=1).encode(
                x=x, y=y, color=colour, shape=shape, tooltip=tooltip
            )
            # The triangle lies under the point of its size.
            for part, size in ((lowest, 330), (typical, 60), (possible, 72))
        ),
        *([slanted.encode(x=x, y=y, text="cut:N")] if cuts else []),
    ).properties(width=WIDTH, height=HEIGHT)
    data = {"points": points, "trials": trials, "marks": _marks(pass_mark, floor), "cuts": cuts}
    return with_data(chart, data, "Score against parameters, one line a family.")


def _marks(pass_mark: float, floor: float) -> list[dict[str, Any]]:
    marks = [{"name": f"pass mark {pass_words(pass_mark)}", "score": abs(pass_mark), "floor": 0}]
    if floor:
        name = "unigram" if floor < 0 else "best constant answer"
        marks.append({"name": name, "score": abs(floor), "floor": 1})
    return marks


BITS = "bits per character, fewer is better"


def as_bits(rows: Rows) -> Rows:
    """Rows with scores of text, which are minus the bits per character, as bits; others as they
    are."""
    if not any(row.get("score", 0) < 0 for row in rows):
        return rows
    turned = []
    for row in rows:
        ends = {"low": -row["high"], "high": -row["low"]} if "low" in row else {}
        turned.append({**row, "score": -row["score"], **ends})
    return turned


def _rules(alt: Any) -> Any:
    """Horizontal lines at scores, with their names: the mark's at the left, where scores are low,
    the floor's at the right, where they are high."""
    marks, at = alt.Chart(alt.NamedData("marks")), alt.Y("score:Q")
    words = {"y": at, "text": alt.Text("name:N")}
    mark, floor = (marks.transform_filter(alt.datum.floor == is_floor) for is_floor in (0, 1))
    return alt.layer(
        marks.mark_rule(strokeDash=[2, 3], strokeWidth=1.2).encode(y=at),
        mark.mark_text(align="left", dx=4, dy=-7).encode(**words, x=alt.value(0)),
        floor.mark_text(align="right", dx=-4, dy=-7).encode(**words, x=alt.value("width")),
    )


def curves(
    rows: Rows,
    *,
    by_family: Sequence[str] | None,
    y: str,
    title: str,
    pass_mark: float = 0.0,
    x: str = "steps",
    log: bool = False,
) -> Spec:
    """A line for each trial, with its points where they are few: score (a fraction, or minus bits)
    or loss against steps.

    Args:
        rows: of trial, family, parameters, step, text, and the field that `y` names; with low and
            high, the interval is drawn.
        by_family: families to colour by; None: by size.
    """
    import altair as alt

    vertical = alt.Y(f"{y}:Q", title=title)
    bits = any(row.get("score", 0) < 0 for row in rows)
    rows = as_bits(rows)
    if bits:
        vertical = alt.Y(f"{y}:Q", title=BITS if y == "score" else title).scale(zero=False)
    elif y == "score":
        vertical = vertical.scale(domain=[0, 1]).axis(format=".0%")
    else:
        vertical = vertical.scale(zero=True)
    across = alt.X("step:Q", title=x).axis(format=",d", tickCount=6, tickMinStep=1)
    if log:
        across = across.scale(type="log", base=2, nice=False)
    over = alt.selection_point(on="pointerover", fields=["trial"], empty=False, name="over")
    colour = _curve_colour(alt, rows, by_family)
    several = len({row["trial"] for row in rows}) > 1
    thin, thick, pale = (1.4, 3.5, 0.62) if several else (2, 2, 1.0)
    tooltip = [alt.Tooltip("text:N", title=" ")]
    chart = alt.Chart(alt.NamedData("rows"))
    lines = chart.mark_line(strokeJoin="round").encode(
        x=across,
        y=vertical,
        detail="trial:N",
        color=colour,
        # Not `opacity`, which is a layer a line and took seconds to draw.
        strokeOpacity=alt.when(over).then(alt.value(1.0)).otherwise(alt.value(pale)),
        strokeWidth=alt.when(over).then(alt.value(thick)).otherwise(alt.value(thin)),
        tooltip=tooltip,
    )
    layers = [_rules(alt)] if pass_mark else []
    banded = bool(rows) and "low" in rows[0] and y == "score"
    if banded:
        area = chart.mark_area(fillOpacity=0.18).encode(x=across, y=alt.Y("low:Q"), y2="high:Q")
        layers.append(area.encode(color=colour))
    number = Counter(row["trial"] for row in rows)
    few = [row for row in rows if number[row["trial"]] <= FEW]
    data = {"rows": rows, "marks": _marks(pass_mark, 0.0) if pass_mark else []}
    layers.append(lines.add_params(over))
    if few:
        # A band through one point is nothing to see either.
        seen = alt.Chart(alt.NamedData("few"))
        if banded:
            ends = seen.mark_rule(strokeWidth=2, strokeOpacity=0.5)
            layers.append(ends.encode(x=across, y=alt.Y("low:Q"), y2="high:Q", color=colour))
        points = seen.mark_point(filled=True, size=40, opacity=1)
        layers.append(points.encode(x=across, y=vertical, color=colour, tooltip=tooltip))
        data["few"] = few
    chart = alt.layer(*layers).properties(width=WIDTH, height=300)
    return with_data(chart, data, f"{title} against steps, one line a trial.")


def _curve_colour(alt: Any, rows: Rows, by_family: Sequence[str] | None) -> Any:
    if by_family:
        colour = alt.Color("family:N", title=None).scale(domain=list(by_family))
        return colour.legend(orient="top", direction="horizontal")
    sizes = {row["parameters"] for row in rows} or {1}
    if len(sizes) == 1:
        return alt.Color("family:N").legend(None)
    colour = alt.Color("parameters:Q", title="parameters").scale(type="log")
    ticks = log_ticks(min(sizes), max(sizes))
    legend = {"orient": "top", "direction": "horizontal", "format": "~s", "gradientLength": 220}
    return colour.legend(**legend, values=ticks) if len(ticks) > 1 else colour.legend(**legend)


def with_data(chart: Any, data: Mapping[str, Rows], description: str) -> Spec:
    """An altair chart as a specification with its rows by the names of their data."""
    # Checked against the schema by a test; here it would take a second.
    spec: Spec = chart.properties(description=description).to_dict(validate=False)
    # Altair's own configuration is its default size of a chart; the theme brings the rest.
    spec.pop("config", None)
    spec["datasets"] = {name: list(rows) for name, rows in data.items()}
    return spec


def render(spec: Spec) -> tuple[str, bytes]:
    """A chart as SVG and as PNG at twice its size, on white."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(
        spec, vl_version="6.4", config={**THEMES["light"], "background": "white"}
    )
    png: bytes = vl_convert.svg_to_png(svg, scale=2)
    return svg, png


def for_page(spec: Spec) -> Spec:
    """The same chart as wide as what it is put into."""
    return {**spec, "width": "container", "autosize": {"type": "fit-x", "contains": "padding"}}
