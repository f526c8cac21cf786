"""The engine's answer format: what tasks.formats writes and reads."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lilliput.engine import flat
from lilliput.engine.binding import Engine, library
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.card import Card
from lilliput.specs import ArithmeticSpec, GRUSpec, RunSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.expressions import parse_expression, right_answer
from lilliput.tasks.formats import AnswerFormat

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
FORMATS = [
    AnswerFormat(kind="plain", reverse="", digits=2, decimals=2),
    AnswerFormat(kind="reversed", reverse="+-*", digits=2, decimals=2),
    AnswerFormat(kind="reversed", reverse="+/", digits=3, decimals=0),
    AnswerFormat(kind="padded", reverse="+-*", digits=2, decimals=2),
    AnswerFormat(kind="padded", reverse="-/", digits=3, decimals=3),
    AnswerFormat(kind="padded", reverse="", digits=1, decimals=0),
    AnswerFormat(kind="worked", reverse="", digits=2, decimals=2),
]


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> list[Engine]:
    spec, made = GRUSpec(width=2), []
    for style in FORMATS:
        task = Arithmetic(
            ArithmeticSpec(
                operands=f"0-{10**style.digits - 1}",
                held_out="none",
                decimals=style.decimals,
                format=style.kind,
                reverse=style.reverse,
            )
        )
        model = build(spec, len(task.vocabulary), task.context)
        model.initialise(torch.Generator().manual_seed(0))  # type: ignore[operator]
        path = tmp_path_factory.mktemp("format") / "m.safetensors"
        card = Card(
            spec=RunSpec(task=task.spec, model=spec),
            characters=task.vocabulary.characters,
            end="\n",
            context=task.context,
            format=style.to_dict(),
            parameters=sum(p.numel() for p in model.parameters()),
        )
        modelfile.save(path, model, card)
        made.append(Engine(flat.of_file(path)))
    return made


CHOICE = st.integers(0, len(FORMATS) - 1)
OPERATION = st.sampled_from("+-*/")


@settings(max_examples=400, deadline=None)
@given(which=CHOICE, left=st.integers(0, 99), right=st.integers(0, 99), operation=OPERATION)
def test_questions_are_written_and_answers_read_alike(
    engines: list[Engine], which: int, left: int, right: int, operation: str
) -> None:
    style, engine = FORMATS[which], engines[which]
    left, right = left % 10**style.digits, right % 10**style.digits
    question = f"{left} {operation} {right}"
    if operation == "/" and right == 0:
        assert engine.prompt(question) == ("", "")
        return
    assert engine.prompt(question) == (style.prompt(question), operation)
    if style.kind == "worked" and style.digits != 2:
        return
    answer = right_answer(parse_expression(question), style.decimals)
    written = style.completion(question, answer).removesuffix("\n")
    assert style.read(operation, written) == answer
    assert engine.answer(operation, written) == answer


@settings(max_examples=2_000, deadline=None)
@given(which=CHOICE, operation=OPERATION, text=st.text("0123456789.-+>_ A", max_size=9))
@example(which=3, operation="-", text="00-")
@example(which=0, operation="+", text=" 007.00")
def test_whatever_a_model_writes_is_read_alike(
    engines: list[Engine], which: int, operation: str, text: str
) -> None:
    assert engines[which].answer(operation, text) == FORMATS[which].read(operation, text)


@pytest.mark.parametrize("text", ["", "12", "12 +", "+ 3", "1.5 + 2", "-1 + 2", "7 / 0", "7 / 00"])
def test_what_is_no_sum_is_refused(engines: list[Engine], text: str) -> None:
    assert engines[0].prompt(text) == ("", "")


def test_spaces_and_zeros_in_front_say_nothing(engines: list[Engine]) -> None:
    assert engines[3].prompt(" 007*8 ") == engines[3].prompt("7 * 8") == ("07*08=", "*")
