"""The chart of a comparison: bits per character against parameters, a point a model."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lilliput.faces import charts
from lilliput.faces.text_story import short

if TYPE_CHECKING:
    from lilliput.lab.stories import TextGraded


def bits_chart(graded: "Mapping[str, TextGraded]") -> charts.Spec:
    """The last text of each exam (all together, where there were several), with its interval."""
    import altair as alt

    rows: list[dict[str, Any]] = []
    for name, one in graded.items():
        section = list(one.grade.sections.values())[-1]
        rows.append(
            {
                "name": short(name),
                "parameters": one.model.parameters,
                "bits": round(section.bits, 4),
                "low": round(section.low, 4),
                "high": round(section.high, 4),
            }
        )
    low, high = (f(row["parameters"] for row in rows) for f in (min, max))
    x = alt.X("parameters:Q", title="parameters").axis(format="~s", tickCount=5)
    x = x.scale(type="log", domain=[low / 1.6, high * 1.6], nice=False)
    y = alt.Y("bits:Q", title=charts.BITS).scale(zero=False)
    chart = alt.Chart(alt.NamedData("rows"))
    layers = alt.layer(
        chart.mark_rule(strokeWidth=2).encode(x=x, y=alt.Y("low:Q"), y2="high:Q"),
        chart.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y),
        chart.mark_text(align="left", dx=8, dy=-6).encode(x=x, y=y, text="name:N"),
    ).properties(width=charts.WIDTH, height=300)
    spec: charts.Spec = layers.to_dict(validate=False)
    spec.pop("config", None)
    spec["datasets"] = {"rows": rows}
    spec["description"] = "Bits per character against parameters, one point a model."
    return spec
