"""What a model does, from its scores: weak, middling and strong ones."""

from pathlib import Path

import pytest

from lilliput.exam.grade import SectionGrade, Tally, constant_score, grade, verdict
from lilliput.specs import LinesSpec
from lilliput.tasks.lines import Lines
from lilliput.tasks.splits import Problem
from lilliput.tasks.vocabulary import END
from lilliput.units import wilson

ASKED = {"seen": 25_000, "unseen": 3_000, "beyond": 7_500}
"""Problems of 0-89."""


def of_scores(scores: tuple[float, ...], constant: float = 0.015, share: float = 1.0) -> str | None:
    sections = {}
    for (name, total), score in zip(ASKED.items(), scores, strict=False):
        total = round(share * total)
        right = round(score * total)
        tally = Tally(right, total, *wilson(right, total)[1:], errors={})
        sections[name] = SectionGrade(name, tally, {}, score, False, 4.0)  # type: ignore[arg-type]
    return verdict(sections, constant)


@pytest.mark.parametrize(
    ("seen", "unseen", "beyond", "said"),
    [
        (0.00, 0.00, 0.00, "learns nothing"),
        (0.08, 0.08, 0.08, "learns nothing"),
        (0.14, 0.13, 0.02, "fills gaps"),
        (0.15, 0.14, 0.10, "fills gaps"),
        (0.15, 0.06, 0.06, "memorises"),
        (0.22, 0.18, 0.15, "fills gaps"),
        (0.20, 0.20, 0.20, "extends"),
        (0.40, 0.28, 0.28, "memorises"),
        (0.45, 0.44, 0.30, "fills gaps"),
        (0.45, 0.44, 0.43, "extends"),
        (0.89, 0.76, 0.06, "memorises"),
        (0.80, 0.755, 0.171, "fills gaps"),
        (0.97, 0.964, 0.169, "fills gaps"),
        (1.00, 0.997, 0.88, "fills gaps"),
        (1.00, 0.997, 0.949, "extends"),
        (1.00, 1.00, 1.00, "extends"),
    ],
)
def test_a_verdict_of_scores(seen: float, unseen: float, beyond: float, said: str) -> None:
    assert of_scores((seen, unseen, beyond)) == said
    without = "fills gaps" if said == "extends" else said
    assert of_scores((seen, unseen)) == without, "beyond was not asked"


def test_what_few_questions_leave_open_is_not_said() -> None:
    assert of_scores((0.45, 0.30, 0.30)) == "memorises"
    assert of_scores((0.45, 0.30, 0.30), share=0.01) == "fills gaps"
    assert of_scores((0.45, 0.45, 0.45), share=0.01) == "fills gaps"
    assert of_scores((1.0, 1.0, 1.0), share=0.01) == "extends"


def test_who_answers_as_well_as_one_fixed_answer_learns_nothing() -> None:
    assert of_scores((0.50, 0.50), constant=0.50) == "learns nothing"
    assert of_scores((0.52, 0.51), constant=0.50) == "fills gaps"
    assert of_scores((0.52, 0.51), constant=0.50, share=0.01) == "learns nothing"
    answers = [("+", "1"), ("+", "1"), ("+", "2"), ("*", "2"), ("*", "3"), ("*", "4")]
    problems = [Problem(str(n), answer, group, "") for n, (group, answer) in enumerate(answers)]
    assert constant_score(problems) == pytest.approx(3 / 6)


def test_the_exam_knows_the_best_fixed_answer(tmp_path: Path) -> None:
    path = tmp_path / "questions.tsv"
    path.write_text("".join(f"{n}\t{'yes' if n % 5 else 'no'}\n" for n in range(1_500)))
    task = Lines(LinesSpec(file=str(path)))
    graded, _ = grade(task, lambda prompts: [f"yes{END}" for _ in prompts], ("seen", "unseen"))
    assert graded.sections["seen"].overall.score == pytest.approx(0.8, abs=0.02)
    assert graded.verdict == "learns nothing"
