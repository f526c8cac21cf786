"""Laws of draws: they end, they belong to their section, and exams ask each operation alike."""

import random
from collections import Counter
from itertools import islice

import pytest

from lilliput.errors import SpecError
from lilliput.specs import ArithmeticSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.splits import Section


def arithmetic(**fields: object) -> Arithmetic:
    return Arithmetic(ArithmeticSpec(**fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["seen", "valid", "unseen", None])
def test_every_section_of_a_small_space_can_be_drawn(name: Section | None) -> None:
    drawn = list(islice(arithmetic(operands="0-9").draw(random.Random(0), name), 200))
    assert {problem.group for problem in drawn} == set("+-*/")


def test_a_draw_of_nothing_is_refused() -> None:
    empty = arithmetic(operands="0-5", held_out="1-5", operations="+/", weights=(0.0, 1.0))
    with pytest.raises(SpecError, match="no problem of"):
        next(empty.draw(random.Random(0)))
    with pytest.raises(SpecError, match="nothing is held out"):
        next(arithmetic(operands="0-9").draw(random.Random(0), "beyond"))


def test_beyond_holds_out_either_operand_or_both_and_never_divides_by_zero() -> None:
    task = arithmetic(operands="0-300", held_out="0-5")
    problems = task.section("beyond")
    assert Counter(p.group for p in problems) == dict.fromkeys("+-*/", 1000)
    assert not any(p.group == "/" and p.question.endswith(" 0") for p in problems)
    assert all(task.where(p.question) == "beyond" for p in problems)
    held = [[int(n) <= 5 for n in p.question.split()[::2]] for p in problems]
    assert {tuple(pair) for pair in held} == {(True, True), (True, False), (False, True)}


def test_a_section_with_fewer_problems_than_asked_is_listed() -> None:
    task = arithmetic(operands="0-300", held_out="301-301")
    problems = task.section("beyond")
    assert len({p.question for p in problems}) == len(problems)
    assert Counter(p.group for p in problems) == {"+": 603, "-": 603, "*": 603, "/": 602}
    far = arithmetic(operands="0-9", held_out="1000-999999", operations="+-")
    assert Counter(p.group for p in far.section("beyond")) == {"+": 1000, "-": 1000}


def test_few_problems_to_learn_do_not_keep_a_draw_from_ending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lilliput.tasks.arithmetic.ENUMERABLE", 1000)
    monkeypatch.setattr("lilliput.tasks.arithmetic.DRAWN_TO_LEARN", 3000)
    task = arithmetic(operands="0-39", weights=(1.0, 0.0, 0.0, 0.0))
    problems = task.section("seen")
    assert {p.group for p in problems} == {"+"}
    assert len({p.question for p in problems}) == len(problems) > 0.75 * 40**2


@pytest.mark.parametrize("name", ["valid", "unseen", "beyond"])
def test_weights_of_training_do_not_decide_the_exam(name: Section) -> None:
    fields = {"operands": "0-999", "held_out": "990-999"}
    weighted = arithmetic(**fields, weights=(7.0, 0.0, 1.0, 1.0)).section(name)
    assert weighted == arithmetic(**fields).section(name)
    assert Counter(p.group for p in weighted) == dict.fromkeys("+-*/", 1000)


def test_an_operand_range_that_is_nearly_all_held_out_can_be_drawn() -> None:
    task = arithmetic(operands="0-99999999", held_out="7-99999992")
    numbers = {n for p in islice(task.draw(random.Random(0), None), 300)
               for n in map(int, p.question.split()[::2])}  # fmt: skip
    assert numbers == {*range(7), *range(99999993, 100000000)}


def test_an_exam_asks_a_fixed_thousand_an_operation_of_what_is_learned() -> None:
    task = arithmetic(operands="0-999", held_out="990-999")
    learned, asked = task.section("seen"), task.exam("seen")
    assert len(learned) == 100_000
    assert Counter(p.group for p in asked) == dict.fromkeys("+-*/", 1000)
    assert set(asked) <= set(learned)
    assert asked == arithmetic(operands="0-999", held_out="990-999").exam("seen")
    for name in ("valid", "unseen", "beyond"):
        assert task.exam(name) == task.section(name)
    small = arithmetic(operands="0-89")
    assert small.exam("seen") == small.section("seen")
