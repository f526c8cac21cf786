"""A graded model of text in a page: bits, context, story card, stories; knows exam.json alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from lilliput.exam.context import NEAR, ContextCurve
from lilliput.faces import charts
from lilliput.faces.report_page import Html, chart, join, note, story, table, tag
from lilliput.faces.text_story import (
    CARD,
    UNIGRAM,
    replaced_words,
    spectrum_words,
    speed_words,
)
from lilliput.lab.watching import training_bits
from lilliput.units import Interval, bits_words

Exam = Mapping[str, Any]


def is_story(exam: Exam) -> bool:
    """Whether exam.json is that of a model of text."""
    return "card" in exam["grade"]


def context_chart(exam: Exam) -> charts.Spec:
    """Bits per character against the window."""
    context = exam["grade"]["context"]
    head = {"trial": 0, "family": exam["family"], "parameters": exam["parameters"]}
    rows = [
        {**head, "step": window, "score": round(-bits, 4), "text": f"{window} pieces: {bits:.3f}"}
        for window, bits in zip(context["windows"], context["bits"], strict=True)
    ]
    return charts.curves(rows, by_family=None, y="score", title="", x="window, pieces", log=True)


def loss_rows(records: Sequence[Mapping[str, Any]], a_step: int) -> list[dict[str, Any]]:
    """Bits per character of training and validation, as two lines of one chart.

    Args:
        a_step: pieces that a step learns.
    """
    rows = []
    for number, line in enumerate(("training", "validation")):
        for record in records:
            score = record["right"] / record["total"]
            if line == "training":
                score = -training_bits(record, a_step)
            head = {"trial": number, "family": line, "parameters": number}
            text = f"{line}, step {record['step']:,}: {-score:.3f} bits per character"
            rows.append({**head, "step": record["step"], "score": round(score, 4), "text": text})
    return rows


def story_exam(exam: Exam, *, charted: bool) -> Html:
    """All figures and stories of a graded model of text.

    Args:
        charted: the page draws `context_chart`.
    """
    grade = exam["grade"]
    rows = [
        [
            name,
            f"{s['documents']:,}",
            f"{s['characters']:,}",
            bits_words(s["bits"], s["low"], s["high"]),
        ]
        for name, s in grade["sections"].items()
    ]
    if exam["unigram"] is not None:
        rows.append([UNIGRAM, "", "", f"{exam['unigram']:.3f}"])
    header = ["text", "documents", "characters", "bits per character, 95 %"]
    card = [
        [words, _share(grade["card"][name]), _share(grade["real"][name])]
        for name, words in CARD.items()
    ]
    return join(
        table(header, rows, label="Bits per character"),
        *_replaced(grade["sections"]),
        chart("context", "Bits per character against window", _context_words(grade["context"]))
        if charted
        else note(_context_words(grade["context"])),
        table(["story card", "the model's", "real stories"], card, label="Story card"),
        note(f"Speed: {speed_words(grade['speed'])}."),
        note(f"How long it remembers: {spectrum_words(exam['spectrum'])}.")
        if exam["spectrum"]
        else "",
        tag("h3", "Five stories") if grade["stories"] else "",
        *(story(prompt, told) for prompt, told in grade["stories"]),
    )


def _context_words(context: Exam) -> str:
    curve = ContextCurve(context["windows"], context["bits"], context["characters_a_piece"])
    return (
        f"How much of what came before is of use: at most {curve.effective:,} pieces"
        f" ({curve.effective_characters:,} characters); a window of so many is within"
        f" {100 * NEAR:g} % of the longest, {curve.windows[-1]:,}."
    )


def _replaced(sections: Mapping[str, Exam]) -> list[Html]:
    """What the model could not read as it is written; exams of before did not count it."""
    return [
        note(
            f"{name}: characters that the model lacks, read as the nearest known:"
            f" {replaced_words(found['replaced'], found['replaced_share'])}."
        )
        for name, found in sections.items()
        if found.get("replaced")
    ]


def _share(share: Exam) -> str:
    if share["interval"]:
        return str(Interval(*share["interval"]))
    return f"{100 * share['part'] / share['whole']:.1f} %" if share["whole"] else "–"
