"""Laws of the formats: what is written is read back, fits the vocabulary and the context."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilliput.errors import CharacterError, SpecError
from lilliput.specs import ArithmeticSpec
from lilliput.specs.task import Format
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.formats import AnswerFormat
from lilliput.tasks.vocabulary import END, Vocabulary
from lilliput.tasks.working import alphabet, line_length, longest, working

formats = st.sampled_from(["plain", "reversed", "padded", "worked"])
TASKS = {
    (kind, reverse): Arithmetic(ArithmeticSpec(format=kind, reverse=reverse))  # type: ignore[arg-type]
    for kind in ("plain", "reversed", "padded", "worked")
    for reverse in ("+-*/", "+", "")
}


@given(formats, st.sampled_from(["+-*/", "+", ""]), st.sampled_from("+-*/"), st.integers(0, 99),
       st.integers(0, 99))  # fmt: skip
def test_what_is_written_is_read_back(
    kind: Format, reverse: str, operation: str, left: int, right: int
) -> None:
    if operation == "/" and right == 0:
        return
    task = TASKS[kind, reverse]
    problem = task.problem(left, operation, right)
    prompt = task.format.prompt(problem.question)
    text = task.format.completion(problem.question, problem.answer)
    assert text.endswith(END)
    assert text.count(END) == 1
    assert task.format.read(operation, text.removesuffix(END)) == problem.answer
    assert len(task.vocabulary.encode(prompt + text)) <= task.context
    again = AnswerFormat.from_dict(task.format.to_dict())
    assert again == task.format


@given(formats, st.sampled_from("+-*/"), st.text("0123456789.+-_>/ ", max_size=12))
def test_reading_is_strict_and_never_breaks(kind: Format, operation: str, text: str) -> None:
    """Whatever is read is a number in the canonical form; its sign and zeros are canonical too."""
    read = TASKS[kind, "+-*/"].format.read(operation, text)
    if read is not None:
        assert read == read.strip()
        assert read.rpartition(".")[2].isdigit()
        assert len(read.rpartition(".")[2]) == 2
        float(read)


def test_the_formats_by_example() -> None:
    written = {
        kind: [
            TASKS[kind, "+-*/"].format.prompt(q) + TASKS[kind, "+-*/"].format.completion(q, a)
            for q, a in [("7 + 5", "12.00"), ("12 - 34", "-22.00"), ("27 / 86", "0.31")]
        ]
        for kind in ("plain", "reversed", "padded")
    }
    assert written == {
        "plain": ["7 + 5 = 12.00\n", "12 - 34 = -22.00\n", "27 / 86 = 0.31\n"],
        "reversed": ["7+5=21\n", "12-34=22-\n", "27/86=13.0\n"],
        "padded": ["07+05=210\n", "12-34=22-\n", "27/86=1300\n"],
    }


def test_reversal_is_chosen_per_operation() -> None:
    style = TASKS["reversed", "+"].format
    assert style.completion("7 + 5", "12.00") == "21\n"
    assert style.completion("7 * 5", "35.00") == "35\n"


def test_tinymaths_vocabulary_has_18_characters() -> None:
    assert TASKS["plain", "+-*/"].vocabulary.characters == "\n *+-./0123456789="


def test_a_vocabulary_holds_only_what_its_task_writes() -> None:
    sums = Arithmetic(ArithmeticSpec(operations="+", format="reversed", held_out="none"))
    assert sums.vocabulary.characters == "\n+0123456789="


def test_an_unknown_character_is_named() -> None:
    with pytest.raises(CharacterError, match="unknown character '%' in '7 % 2'"):
        TASKS["plain", "+-*/"].vocabulary.encode("7 % 2")


@given(st.text(min_size=1))
def test_a_vocabulary_encodes_its_own_text(text: str) -> None:
    vocabulary = Vocabulary.of([text])
    assert vocabulary.decode(vocabulary.encode(text)) == text
    assert vocabulary.characters[0] == END


def test_working_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(SpecError, match="choose another format"):
        Arithmetic(ArithmeticSpec(format="worked", decimals=1))


@pytest.mark.parametrize(
    ("question", "answer", "lines"),
    [
        ("47 + 38", "85.00", "31302140____ 21400000103130y ABD10000003130Y >__85"),
        ("52 - 17", "35.00", "21102001____ 20010000002031s A13AAAAA002031S >__35"),
        ("17 - 52", "-35.00", "20012110____ 21100000002140s ABB14141002140T 00001000004030t"
         " A130AAAA004030U >-_35"),
        ("47 * 23", "1081.00", "30202140____ 00000000403020x 30200000303020x B1400000203020x"
         " 41B10000103020x CA410000003020X 00204100213020y 30404100113020y B1B14100013020y"
         " 41314100403020y CABAAA10303020y A1300010203020y 31A10010103020y BA310010003020Y >1081"),
        ("3 / 86", "0.03", "113130003040 00000000003010k 40104141003010K 30000000003010l"
         " C1104141003010L 40300000003010m D1404141003010M 30403000003010n C1A1CAAA103010n"
         " BA21BAAA203010n A131AAAA303010n 41414141303010N >_0.03"),
    ],
)  # fmt: skip
def test_the_working_by_example(question: str, answer: str, lines: str) -> None:
    written = TASKS["worked", ""].format.completion(question, answer)
    assert written == lines.replace(" ", "") + END


@given(st.integers(1, 4), st.sampled_from("+-*"), st.data())
def test_the_working_adds_up_at_any_width(digits: int, operation: str, data: st.DataObject) -> None:
    """The text after the answer mark is the answer, and all of it is in the alphabet."""
    numbers = st.integers(0, 10**digits - 1)
    left, right = data.draw(numbers), data.draw(numbers)
    value = {"+": left + right, "-": left - right, "*": left * right}[operation]
    text = working(operation, left, right, f"{value}.00", digits, 2)
    assert text.rpartition(">")[2].replace("_", "") == str(value)
    assert len(text) <= longest(operation, digits, 2)
    assert set(text) <= set(alphabet(operation))


@given(st.sampled_from("+-*/"), st.integers(1, 2), st.integers(0, 99), st.integers(0, 99))
def test_the_lines_of_a_working_are_of_the_length_that_the_format_says(
    operation: str, digits: int, left: int, right: int
) -> None:
    left, right = left % 10**digits, right % 10**digits
    if operation == "/" and right == 0:
        return
    task = Arithmetic(
        ArithmeticSpec(operands=f"0-{10**digits - 1}", held_out="none", format="worked")
    )
    length = task.format.line_length
    assert length == line_length(digits)
    problem = task.problem(left, operation, right)
    text = task.format.completion(problem.question, problem.answer).partition(">")[0]
    lines = text[6 * digits :]  # after the preface
    assert lines
    assert len(lines) % length == 0
    ends, others = lines[length - 1 :: length], [c for c in lines if c.isalpha() and c > "E"]
    assert list(ends) == others, "each line ends with its letter, and none is elsewhere"


def test_only_working_has_lines() -> None:
    for kind in ("plain", "reversed", "padded"):
        assert TASKS[kind, ""].format.line_length == 0
