"""The exam: adversaries get the scores and verdicts that they deserve; intervals cover."""

import random
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lilliput.errors import SpecError
from lilliput.exam.decode import Answerer, answerer, draw, greedy, sample
from lilliput.exam.forced import forced_right
from lilliput.exam.grade import Grade, ask, error_kind, grade, grade_section, interval_of
from lilliput.exam.heatmap import heat_maps
from lilliput.models.build import build
from lilliput.specs import ArithmeticSpec, GPTSpec, GRUSpec
from lilliput.specs.sampling import PLAIN, Sampling
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.splits import Problem
from lilliput.tasks.table import table_of
from lilliput.tasks.vocabulary import END
from lilliput.units import Interval, clustered_wilson, wilson

TASK = Arithmetic(
    ArithmeticSpec(operands="0-29", held_out="25-29", format="reversed", reverse="+-*/")
)
ALL = ("seen", "valid", "unseen", "beyond")


def right_text(problem: Problem) -> str:
    return TASK.format.completion(problem.question, problem.answer)


def from_memory(*sections: str) -> Answerer:
    """Knows the answers of some sections by heart and says 1 to everything else."""
    known = {
        TASK.format.prompt(p.question): right_text(p)
        for name in sections
        for p in TASK.section(name)  # type: ignore[arg-type]
    }
    return lambda prompts: [known.get(prompt, f"1{END}") for prompt in prompts]


def constant(prompts: Sequence[str]) -> list[str]:
    return [f"0{END}" for _ in prompts]


def copier(prompts: Sequence[str]) -> list[str]:
    return [prompt + END for prompt in prompts]


def noise(prompts: Sequence[str]) -> list[str]:
    generator = random.Random(1)
    letters = TASK.vocabulary.characters
    return ["".join(generator.choices(letters, k=4)) for _ in prompts]


def graded(answer: Answerer) -> Grade:
    return grade(TASK, answer, ALL)[0]  # type: ignore[arg-type]


def test_a_perfect_answerer_extends() -> None:
    result = graded(from_memory(*ALL))
    assert {name: part.overall.score for name, part in result.sections.items()} == dict.fromkeys(
        ALL, 1.0
    )
    assert result.verdict == "extends"


def test_one_that_memorised_the_training_set_memorises() -> None:
    result = graded(from_memory("seen"))
    assert result.sections["seen"].overall.score == 1
    assert result.sections["unseen"].overall.score < 0.1
    assert result.verdict == "memorises"


def test_one_that_knows_all_but_the_held_out_range_fills_gaps() -> None:
    assert graded(from_memory("seen", "valid", "unseen")).verdict == "fills gaps"


@pytest.mark.parametrize("adversary", [constant, copier, noise])
def test_those_that_learned_nothing_are_told_so(adversary: Answerer) -> None:
    result = graded(adversary)
    assert result.verdict == "learns nothing"
    # 0 * n and n - n are right by luck; a copy and noise are right (almost) never.
    assert result.sections["unseen"].overall.score < 0.12


def test_the_copier_is_malformed_and_the_endless_one_has_no_end_mark() -> None:
    errors = graded(copier).sections["unseen"].overall.errors
    assert errors == {"malformed": len(TASK.section("unseen"))}
    endless = graded(lambda prompts: ["1" * 9 for _ in prompts]).sections["unseen"].overall
    assert endless.errors == {"no end mark": endless.total}


@pytest.mark.parametrize(
    ("operation", "left", "right", "said", "kind"),
    [
        ("+", 12, 24, "63", None),
        ("+", 12, 24, "73", "last place"),
        ("+", 12, 24, "64", "other"),
        ("+", 12, 24, "631", "digit count"),
        ("-", 3, 5, "2", "sign"),
        ("-", 3, 5, "3-", "last place"),
        ("/", 1, 3, "43.0", "last place"),
        ("/", 1, 3, "33.1", "other"),
        ("/", 1, 3, "33", "malformed"),
        ("*", 3, 5, "+", "malformed"),
    ],
)
def test_kinds_of_error(operation: str, left: int, right: int, said: str, kind: str | None) -> None:
    assert error_kind(TASK, TASK.problem(left, operation, right), said + END) == kind


def test_sections_add_up_and_every_operation_weighs_the_same() -> None:
    part = graded(from_memory("seen")).sections["seen"]
    result = graded(
        lambda p: [t if "*" in q else END for q, t in zip(p, from_memory("seen")(p), strict=True)]
    )
    tables = result.sections["seen"]
    assert sum(tally.right for tally in tables.groups.values()) == tables.overall.right
    assert sum(tally.total for tally in tables.groups.values()) == part.overall.total
    assert tables.groups["*"].score == 1
    assert tables.mean == pytest.approx(0.25)


def test_an_exam_of_no_problems_is_refused() -> None:
    with pytest.raises(SpecError, match="an exam of no problems"):
        grade_section("unseen", [], TASK)


def test_all_problems_asked_leave_no_interval() -> None:
    small = Arithmetic(ArithmeticSpec(operands="0-9", format="reversed"))
    answers = ask(small, small.section("unseen"), lambda p: [f"0{END}" for _ in p])
    tally = grade_section("unseen", answers, small).overall
    assert tally.low == tally.high == tally.score


@pytest.mark.parametrize(("right", "total"), [(0, 10), (95, 123), (9900, 10000), (7, 7)])
def test_wilson_is_scipys_interval(right: int, total: int) -> None:
    expected = binomtest(right, total).proportion_ci(0.95, method="wilson")
    assert wilson(right, total)[1:] == pytest.approx((expected.low, expected.high))


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_twins_that_agree_count_as_one_question(marks: list[bool]) -> None:
    """Pairs that always agree give at least the width of half as many questions."""
    alone = clustered_wilson([(int(mark), 1) for mark in marks])
    pairs = clustered_wilson([(2 * mark, 2) for mark in marks])
    assert pairs.score == alone.score
    assert pairs == pytest.approx(alone)
    doubled = wilson(2 * sum(marks), 2 * len(marks))
    assert pairs.high - pairs.low >= doubled.high - doubled.low


def test_the_clustered_interval_covers_at_95_percent() -> None:
    generator = random.Random(0)
    hits = 0
    for _ in range(400):
        clusters = []
        for _ in range(150):
            together = generator.random() < 0.72
            clusters.append((2 * together, 2) if generator.random() < 0.8 else (int(together), 1))
        interval = clustered_wilson(clusters)
        hits += interval.low <= 0.72 <= interval.high
    assert wilson(hits, 400).high >= 0.95
    assert hits >= 370


def test_marks_of_twins_are_clustered_by_problem() -> None:
    problems = TASK.section("unseen")
    marks = [problem.cluster < "5" for problem in problems]
    interval = interval_of(problems, marks, exhaustive=False)
    independent = wilson(sum(marks), len(marks))
    assert interval.low < independent.low < independent.high < interval.high
    assert interval_of(problems, marks, exhaustive=True) == Interval(*[sum(marks) / len(marks)] * 3)


@pytest.mark.parametrize("spec", [GPTSpec(width=16, heads=2), GRUSpec(width=24)])
def test_greedy_is_the_same_alone_and_in_batches(spec: GPTSpec | GRUSpec) -> None:
    model = build(spec, len(TASK.vocabulary), TASK.context, seed=3).eval()
    prompts = [TASK.format.prompt(problem.question) for problem in TASK.section("valid")[:60]]
    together = answerer(model, TASK.vocabulary, TASK.context, batch=17)(prompts)
    alone = [
        greedy(model, TASK.vocabulary, [TASK.vocabulary.encode(prompt)], TASK.context)[0]
        for prompt in prompts
    ]
    assert together == alone
    assert len(set(together)) > 1
    for prompt, text in zip(prompts, together, strict=True):
        assert text.endswith(END) or len(prompt + text) == TASK.context
        assert text.count(END) <= 1


def test_forcing_agrees_with_asking_where_an_answer_can_be_written_in_one_way() -> None:
    """A model right on some problems: trained for a moment on a few."""
    spec = ArithmeticSpec(operands="0-9", operations="+", format="padded")
    task = Arithmetic(spec)
    model = build(GPTSpec(width=16, heads=2, layers=1), len(task.vocabulary), task.context)
    problems = task.section("seen")
    table = table_of(task, task.vocabulary, problems)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    ids = torch.from_numpy(table.ids_NT.astype("int64"))
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(
            model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    forced = forced_right(model, table, len(task.vocabulary)).tolist()
    asked = ask(task, problems, answerer(model, task.vocabulary, task.context))
    assert forced == [answer.right for answer in asked]
    assert 0 < sum(forced) < len(forced)


def test_samples_depend_on_the_seed_alone() -> None:
    model = build(GPTSpec(width=16, heads=2), len(TASK.vocabulary), TASK.context, seed=3).eval()

    def text(seed: int, temperature: float = 1.0, top_k: int = 0) -> str:
        return "".join(
            sample(model, TASK.vocabulary, "1+2=", limit=TASK.context, seed=seed,
                   sampling=Sampling(temperature=temperature, top_k=top_k))
        )  # fmt: skip

    assert text(1) == text(1)
    assert len({text(seed) for seed in range(8)}) > 1
    best = greedy(model, TASK.vocabulary, [TASK.vocabulary.encode("1+2=")], TASK.context)[0]
    assert text(5, temperature=0) == text(6, top_k=1) == best


def test_draws_follow_the_softmax() -> None:
    logits = torch.tensor([0.0, 1.0, 2.0, -50.0])
    generator = torch.Generator().manual_seed(0)
    drawn = [draw(logits, PLAIN, generator) for _ in range(4000)]
    shares = torch.softmax(logits, 0)
    for number in range(3):
        interval = wilson(drawn.count(number), 4000, z=4)
        assert interval.low < float(shares[number]) < interval.high
    assert {draw(logits, Sampling(top_k=2), generator) for _ in range(200)} == {1, 2}


def test_heat_maps_show_each_answer_once() -> None:
    _, answers = grade(TASK, from_memory("seen"), ALL)  # type: ignore[arg-type]
    maps = {map_.operation: map_ for map_ in heat_maps(answers)}
    assert set(maps) == set("+-*/")
    for operation, map_ in maps.items():
        cells = "".join(map_.rows)
        of_operation = [a for a in answers if a.problem.group == operation]
        assert cells.count("1") == sum(a.right for a in of_operation)
        assert cells.count("0") + cells.count("1") == len(of_operation)
    assert [row[0] for row in maps["/"].rows] == ["."] * 30
