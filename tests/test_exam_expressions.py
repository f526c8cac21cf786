"""Texts of expressions, graded as TinyMath's two graders did (README of TinyMath, «Examples»)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilliput.errors import UserError
from lilliput.exam.expressions import counts, grade_line, grade_text, score_words, to_dict

PAIRS = """\
88 + 32 = 120.00 = 120
48 + 24 = 72.00 = 72
31 * 76 = 2356.00 = 2356
69 * 50 = 3450.00 = 3450
19 - 52 = -33.00 = -33
4 / 18 = 0.22 = 0.22
74 + 22 = 96.00 = 96
85 / 68 = 1.24 = 1.25
8 / 59 = 0.13 = 0.14
74 / 76 = 0.9 = 0.97
"""
"""The README's own output of grading-math.py."""
GRADED = """\
48 + 24 = 72   Correct
31 * 76 = 2356   Correct
69 * 50 = 3450   Correct
19 - 52 = -33   Correct
4 / 18 = 0.22   Correct
74 + 22 = 96   Correct
85 / 68 = 1.25   Incorrect, model predicted 1.24
8 / 59 = 0.14   Incorrect, model predicted 0.13
74 / 76 = 0.97   Incorrect, model predicted 0.9
"""
"""The README's own output of self-grading.py."""
WRITTEN = "\n".join(line.rpartition(" = ")[0] for line in PAIRS.splitlines())


def test_lists_the_right_answer_as_tinymath_does() -> None:
    lines = grade_text(WRITTEN.encode(), "expressions.txt")
    assert "\n".join(line.listed for line in lines) + "\n" == PAIRS


def test_says_correct_and_incorrect_as_tinymath_does() -> None:
    lines = grade_text(WRITTEN.encode(), "expressions.txt")[1:]
    assert "\n".join(line.graded for line in lines) + "\n" == GRADED
    assert score_words(lines) == "Score: 6/9 (66.67%)"


def test_malformed_lines_are_shown_counted_and_do_not_stop_it() -> None:
    text = (
        b"---------------\n36 - 15 = 21\n36 - 15 = \n\n7 / 0 = 3\n__import__('os') = 1\n2 + 2 = 5"
    )
    lines = grade_text(text, "x")
    assert [line.mark for line in lines] == [
        "correct",
        "malformed",
        "malformed",
        "malformed",
        "incorrect",
    ]
    assert lines[2].graded == "7 / 0 = 3   Malformed, division by zero"
    assert lines[1].graded.startswith("36 - 15 =   Malformed, cannot be read")
    assert counts(lines) == (1, 2, 3)
    assert score_words(lines) == (
        "Score: 1/2 (50.00%)\nMalformed: 3; with them as wrong: 1/5 (20.00%)"
    )
    assert to_dict(lines)["malformed"] == 3


@pytest.mark.parametrize("content", [b"", b"  \n\n", b"-----\n"])
def test_nothing_to_grade(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^x is empty: nothing to grade"):
        grade_text(content, "x")


@pytest.mark.parametrize("content", [b"\x80\x02ab", b"1 + 1 = 2\n\0", b"\xff\xfe1\0"])
def test_binary(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^x is binary, not text"):
        grade_text(content, "x")


def test_control_characters_are_not_shown() -> None:
    line = grade_line("1 + 1 = \x1b[31m2")
    assert line.mark == "malformed"
    assert "\x1b" not in line.graded


@given(st.integers(0, 99), st.sampled_from("+-*"), st.integers(0, 99), st.integers(-10, 10))
def test_whole_answers_are_right_only_where_python_says_so(
    left: int, operation: str, right: int, off: int
) -> None:
    value = {"+": left + right, "-": left - right, "*": left * right}[operation]
    line = grade_line(f"{left} {operation} {right} = {value + off}.00")
    assert line.mark == ("correct" if off == 0 else "incorrect")
    assert line.right == str(value)


@given(st.text(max_size=30))
def test_any_text_is_graded_or_malformed(text: str) -> None:
    assert grade_line(text).mark in ("correct", "incorrect", "malformed")
