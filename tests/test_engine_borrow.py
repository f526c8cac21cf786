"""Texts of an engine that are used again: nobody reads on in one that somebody else has."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from lilliput.engine.binding import library
from lilliput.errors import SpecError
from lilliput.lab.load import load_answerer

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")


def test_a_text_that_was_given_back_is_used_again_and_no_other() -> None:
    engine = load_answerer("zoo:addition-368").engine
    assert engine is not None
    one, other = engine.borrow(), engine.borrow()
    assert one is not other
    engine.give_back(one)
    assert engine.borrow() is one
    assert engine.borrow() not in (one, other)


def test_threads_that_ask_at_once_are_answered_as_one_after_another() -> None:
    model = load_answerer("zoo:addition-368")
    questions = [problem.question for problem in model.task.exam("valid")[:200]]
    wanted = [model(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(model, questions * 5)) == wanted * 5


def test_a_text_that_failed_is_given_back_and_answers_the_next() -> None:
    model = load_answerer("zoo:addition-368")
    engine, wanted = model.engine, model("12 + 24")
    assert engine is not None
    text = engine.borrow()
    engine.give_back(text)
    with pytest.raises(SpecError, match="longer than this model's window"):
        model.answerer(["1" * 400])
    assert engine.borrow() is text
    engine.give_back(text)
    assert model("12 + 24") == wanted
