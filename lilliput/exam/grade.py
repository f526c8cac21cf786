"""Grades: right answers by section and operation, with intervals, kinds of error and a verdict.

Knows problems and text, not what produced the text.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from lilliput.errors import SpecError
from lilliput.exam.decode import Answerer, without_end
from lilliput.tasks.splits import Problem, Section
from lilliput.tasks.task import Problems
from lilliput.units import Z95, Interval, clustered_wilson

ErrorKind = Literal["last place", "sign", "digit count", "malformed", "no end mark", "other"]
Verdict = Literal["memorises", "fills gaps", "extends", "knows its tables", "learns nothing"]
FAR, FAR_SHARE = 0.10, 0.20
"""A score is far below another by the first, or by this share of the better one where that is less:
of two weak scores neither is near the other for both being small (DESIGN, Verdict: by effect
size)."""


@dataclass(frozen=True)
class Tally:
    """What one group of questions came to."""

    right: int
    total: int
    low: float
    """Lower end of the 95 % interval of right / total, twins as one cluster."""
    high: float
    errors: dict[str, int]
    """How many wrong answers of each kind."""

    @property
    def score(self) -> float:
        return self.right / self.total

    @property
    def interval(self) -> Interval:
        return Interval(self.score, self.low, self.high)


@dataclass(frozen=True)
class Answer:
    problem: Problem
    text: str
    """What was written, the end mark included where there was one."""
    right: bool


@dataclass(frozen=True)
class SectionGrade:
    name: Section
    overall: Tally
    groups: dict[str, Tally]
    mean: float
    """Mean of the groups' scores: every operation weighs the same."""
    exhaustive: bool
    """All problems of the space were asked: the score is exact and its interval is a point."""
    length: float
    """Mean characters an answer, working and end mark included."""


@dataclass(frozen=True)
class Grade:
    sections: dict[str, SectionGrade]
    verdict: Verdict | None
    """None where the sections that a verdict needs were not asked."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def ask(task: Problems, problems: Sequence[Problem], answer: Answerer) -> list[Answer]:
    """Puts problems to an answerer and marks each answer right or wrong."""
    texts = answer([task.format.prompt(problem.question) for problem in problems])
    return [
        Answer(problem, text, error_kind(task, problem, text) is None)
        for problem, text in zip(problems, texts, strict=True)
    ]


def error_kind(task: Problems, problem: Problem, text: str) -> ErrorKind | None:
    """What is wrong with an answer; None where nothing is."""
    body, ended = without_end(text)
    if not ended:
        return "no end mark"
    read = task.format.read(problem.group, body)
    if read == problem.answer:
        return None
    if task.format.kind == "lines":
        return "other"
    if read is None:
        return "malformed"
    return _difference(read, problem.answer)


def _difference(read: str, right: str) -> ErrorKind:
    if read.lstrip("-") == right.lstrip("-"):
        return "sign"
    if len(read.lstrip("-")) != len(right.lstrip("-")):
        return "digit count"
    # Integers end in .00 in the canonical form, so their last place is that before the point.
    places = 10 ** len(right.partition(".")[2])
    unit = (
        places if int(right.partition(".")[2] or 0) == 0 == int(read.partition(".")[2] or 0) else 1
    )
    apart = abs(_scaled(read, places) - _scaled(right, places))
    return "last place" if apart == unit else "other"


def _scaled(number: str, places: int) -> int:
    return round(float(number) * places)


def grade_section(name: Section, answers: Sequence[Answer], task: Problems) -> SectionGrade:
    """The grade of one section's answers.

    Raises:
        SpecError: there are none.
    """
    if not answers:
        raise SpecError(f"an exam of no problems: this task has none in {name!r}")
    groups = {
        group: _tally([a for a in answers if a.problem.group == group], task)
        for group in task.groups
        if any(a.problem.group == group for a in answers)
    }
    return SectionGrade(
        name=name,
        overall=_tally(answers, task),
        groups=groups,
        mean=sum(tally.score for tally in groups.values()) / len(groups),
        exhaustive=task.exhaustive,
        length=sum(len(answer.text) for answer in answers) / len(answers),
    )


def _tally(answers: Sequence[Answer], task: Problems) -> Tally:
    errors: Counter[str] = Counter()
    for answer in answers:
        if not answer.right:
            kind = error_kind(task, answer.problem, answer.text)
            assert kind is not None
            errors[kind] += 1
    marks = [answer.right for answer in answers]
    interval = interval_of([answer.problem for answer in answers], marks, task.exhaustive)
    return Tally(sum(marks), len(marks), interval.low, interval.high, dict(errors))


def interval_of(
    problems: Sequence[Problem], marks: Sequence[bool], exhaustive: bool, z: float = Z95
) -> Interval:
    """Score and interval of right and wrong answers, twins as one cluster.

    Args:
        exhaustive: all problems of the space were asked, so that the interval is a point.
        z: quantile of the normal distribution; 1.96 for 95 %.
    """
    score = sum(marks) / len(marks)
    if exhaustive:
        return Interval(score, score, score)
    clusters: dict[tuple[str, str], tuple[int, int]] = {}
    for problem, mark in zip(problems, marks, strict=True):
        right, total = clusters.get((problem.group, problem.cluster), (0, 0))
        clusters[problem.group, problem.cluster] = (right + bool(mark), total + 1)
    return clustered_wilson(clusters.values(), z)


def grade(
    task: Problems, answer: Answerer, sections: Sequence[Section]
) -> tuple[Grade, list[Answer]]:
    """Asks the exam's sections. Empty ones (no held-out range) are left out.

    Returns:
        The grade, and every answer for heat maps and lists of errors.
    """
    graded: dict[str, SectionGrade] = {}
    everything: list[Answer] = []
    for name in sections:
        problems = task.exam(name)
        if not problems and name == "beyond" and len(sections) > 1:
            continue
        answers = ask(task, problems, answer)
        graded[name] = grade_section(name, answers, task)
        everything += answers
    constant = constant_score(task.exam("seen")) if "seen" in graded else 0.0
    return Grade(graded, verdict(graded, constant)), everything


def verdict(sections: Mapping[str, SectionGrade], constant: float) -> Verdict | None:
    """What the model does, by effect size, as far as the intervals show it.

    learns nothing: seen is under `FAR`, or not shown to be above `constant`. memorises: unseen is
    shown to be far below seen. extends: beyond is shown not to be far below unseen, nor under
    `FAR`. fills gaps: all else.

    Args:
        constant: what `constant_score` says of seen.
    """
    if "seen" not in sections or "unseen" not in sections:
        return None
    seen, unseen = sections["seen"].overall, sections["unseen"].overall
    if sections["unseen"].exhaustive:
        return "knows its tables" if unseen.right == unseen.total else None
    if seen.high < FAR or seen.low <= constant:
        return "learns nothing"
    if unseen.high <= _far_below(seen.low):
        return "memorises"
    beyond = sections["beyond"].overall.low if "beyond" in sections else 0.0
    return "extends" if beyond >= FAR and beyond > _far_below(unseen.high) else "fills gaps"


def _far_below(score: float) -> float:
    """The best score that is far below another."""
    return score - min(FAR, FAR_SHARE * score)


def constant_score(problems: Sequence[Problem]) -> float:
    """The score of one answer to all questions of a group, the best there is for each group."""
    best: dict[str, int] = {}
    for (group, _), number in Counter((p.group, p.answer) for p in problems).items():
        best[group] = max(number, best.get(group, 0))
    return sum(best.values()) / max(1, len(problems))
