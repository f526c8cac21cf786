"""A teacher's answers in place of the right ones: which are learned, exact resume, any format."""

import json
from dataclasses import replace
from pathlib import Path

import baselines_hf
import hf_toys
import pytest
from test_training_teacher import _same
from trained_toys import CPU, train

import lilliput
from lilliput.errors import SpecError
from lilliput.faces import cli
from lilliput.lab.answering import Model
from lilliput.lab.job import advance
from lilliput.lab.sealing import sealed_model, with_teacher
from lilliput.models import modelfile
from lilliput.specs import (
    ArithmeticSpec,
    GPTSpec,
    GRUSpec,
    HFSpec,
    LinesSpec,
    RunSpec,
    StoriesSpec,
    TaskSpec,
    TrainingSpec,
)
from lilliput.specs.recipes import stories
from lilliput.tasks.splits import Problem
from lilliput.tasks.task import task_of
from lilliput.training import answers
from lilliput.training.answers import keep_answers, lessons_of
from lilliput.training.run import run

TASK = ArithmeticSpec(operands="0-9", operations="+-", format="plain")
TRAINING = TrainingSpec(steps=150, batch=32, evaluate_every=150, warmup=5)


def trained(task: TaskSpec, folder: Path, model: GPTSpec | HFSpec, **fields: object) -> Path:
    training = replace(TRAINING, **fields)  # type: ignore[arg-type]
    spec = RunSpec(task=task, model=model, training=training)
    return train(spec, folder) / "model.safetensors"


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that is often wrong, and writes as TinyMath does."""
    folder = tmp_path_factory.mktemp("runs") / "teacher"
    return trained(TASK, folder, GPTSpec(width=16, heads=2, layers=1))


def student(teacher: Path, task: TaskSpec = TASK, **fields: object) -> RunSpec:
    asked = {"steps": 24, "evaluate_every": 8, "teacher": str(teacher), "teacher_answers": True}
    training = replace(TRAINING, **{**asked, **fields})  # type: ignore[arg-type]
    return with_teacher(RunSpec(task=task, model=GRUSpec(width=12), training=training))


@pytest.mark.parametrize("style", ["plain", "padded", "reversed"])
def test_what_the_teacher_says_is_learned_in_the_students_own_format(
    teacher: Path, style: str
) -> None:
    task = replace(TASK, format=style)  # type: ignore[arg-type]
    spec = student(teacher, task)
    made = task_of(task)
    lessons = lessons_of(spec, made.vocabulary, "", teacher, None)
    asked = made.section("seen")
    said = lilliput.load(str(teacher)).answers_of_pytorch([p.question for p in asked])  # type: ignore[union-attr]
    told = {p.question: answer for p, answer in zip(asked, said, strict=True)}
    right = {p.question: p.answer for p in asked}
    learned = {p.question: p.answer for p in lessons.problems}
    assert learned == {question: told[question] for question in learned}
    wrong = sum(learned[question] != right[question] for question in learned)
    assert 5 < wrong < len(learned)
    # Left out is only what is no number, or none that this format can say of such a problem.
    for question in told.keys() - learned.keys():
        text = made.format.completion(question, told[question]) if _reads(told[question]) else ""
        group = question.split()[1]
        assert not text or made.format.read(group, text[:-1]) != told[question]
    table = lessons.table
    for row, problem in enumerate(lessons.problems):
        text = made.vocabulary.decode(table.ids_NT[row, : table.length_N[row]].tolist())
        prompt = made.format.prompt(problem.question)
        assert text == prompt + made.format.completion(problem.question, problem.answer)
    assert (spec.training.teacher_share == 0.5) == (style == "plain"), "likelihoods where they fit"


def _reads(answer: str) -> bool:
    return answer.lstrip("-").replace(".", "", 1).isdigit()


def test_an_answer_that_the_format_cannot_say_is_none() -> None:
    for style, said in {
        "plain": {"7.00": True, "-7.00": True, "7.50": True, "700000000.00": False},
        "padded": {"7.00": True, "-7.00": False, "7.50": False, "123.00": False},
        "reversed": {"7.00": True, "-7.00": True, "7.50": False, "": False},
    }.items():
        task = task_of(replace(TASK, format=style))  # type: ignore[arg-type]
        for answer, can in said.items():
            problem = Problem("3 + 4", answer, "+", "3 + 4")
            assert answers._can_be_written(task, problem) == can, (style, answer)
    plain = task_of(TASK)
    assert answers._canonical(plain, "+", " 7.00\n") == "7.00"
    assert answers._canonical(plain, "+", " 7.00") == "", "it went on and was cut short"
    assert answers._canonical(plain, "+", " seven\n") == ""


def test_slices_are_exact_and_a_kept_teacher_is_asked_once(
    teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = student(teacher, replace(TASK, format="padded"))
    kept = tmp_path / "answers.json"
    keep_answers(spec, teacher, kept)
    before = kept.read_bytes()
    whole = advance(spec, None, 24)
    monkeypatch.setattr(answers, "_ask", lambda *_: pytest.fail("it was asked again"))
    keep_answers(spec, teacher, kept)
    assert kept.read_bytes() == before
    answers._lessons.cache_clear()
    state = None
    for steps in (5, 8, 11):
        part = advance(spec, state, steps, kept)
        state = part.state
    assert _same(part.state, whole.state)
    # Stopped halfway it goes on where it was, and what comes out is the same.
    monkeypatch.undo()
    monkeypatch.setattr(answers, "_AT_ONCE", 64)
    keep_answers(spec, teacher, tmp_path / "whole.json")
    parts = answers._answers(spec.task, teacher, spec.training.teacher_digest, None)  # type: ignore[arg-type]
    first = dict(next(part for part, fresh in parts if fresh))
    assert len(first) == 64
    half = json.loads(before) | {"answers": first}
    (tmp_path / "half.json").write_text(json.dumps(half))
    keep_answers(spec, teacher, tmp_path / "half.json")
    assert (tmp_path / "half.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    # What is of another teacher, or damaged, is asked anew.
    monkeypatch.undo()
    answers._lessons.cache_clear()
    for content in (b'{"of": "another", "answers": {}}', b"{", b"[]"):
        kept.write_bytes(content)
        keep_answers(spec, teacher, kept)
        assert kept.read_bytes() == before


def test_a_run_broken_and_resumed_is_the_same(teacher: Path, tmp_path: Path) -> None:
    spec = student(teacher, replace(TASK, format="reversed"))
    task = task_of(spec.task)
    train(spec, tmp_path / "whole", teacher)
    moments = run(spec, task, tmp_path / "broken", CPU, teacher)
    assert next(moments).step == 8
    moments.close()  # type: ignore[attr-defined]
    kept = json.loads((tmp_path / "broken" / "answers.json").read_text())
    assert len(kept["answers"]) == 200
    train(spec, tmp_path / "broken", teacher)
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "broken")]
    assert files[0] == files[1]


def test_a_model_of_transformers_teaches_ours_by_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    baselines_hf.save(tmp_path / "toy", hf_toys.pretrained(width=32), hf_toys.bpe())
    task = "--operands 0-9 --operations + --batch 32 --evaluate-every 40".split()
    rates = "--optimizer muon --muon-learning-rate 4e-2 --learning-rate 1e-2 --epochs 32".split()
    assert cli.main(["train", "hf:toy", *task, *rates, "--name", "big"]) == 0
    heir = ["train", "gru", "--width", "8", *task, "--teacher", "runs/big", "--teacher-answers"]
    assert cli.main([*heir, "--epochs", "4", "--name", "heir"]) == 0
    assert "*taught*" in capsys.readouterr().out
    card = modelfile.read_card(tmp_path / "runs" / "heir" / "model.safetensors")
    assert card.marks == {"taught": "yes"}
    assert card.spec.training.teacher_share == 0.0
    kept = json.loads((tmp_path / "runs" / "heir" / "answers.json").read_text())["answers"]
    big = lilliput.load("runs/big")
    assert isinstance(big, Model)
    said = big.answer(list(kept))
    assert {q: a for q, a in kept.items() if a} == {
        q: a for q, a in zip(kept, said, strict=True) if kept[q]
    }
    assert any(kept.values())
    # An epoch is what the teacher has an answer to.
    learned = sum(map(bool, kept.values()))
    assert card.spec.training.steps <= -(-4 * learned // 32)
    # Its own kind learns what it holds likely too.
    half = HFSpec(name="runs/big", every=2)
    taught = replace(TRAINING, teacher="runs/big", teacher_answers=True, optimizer="adamw")
    spec = with_teacher(RunSpec(task=card.spec.task, model=sealed_model(half), training=taught))
    assert spec.training.teacher_share == 0.5


def test_a_users_own_lines_are_taught(tmp_path: Path) -> None:
    file = tmp_path / "q.tsv"
    file.write_text("".join(f"q{a}{b}\tx{(a + b) % 10}\n" for a in range(9) for b in range(9)))
    task = LinesSpec(file=str(file))
    teacher = trained(task, tmp_path / "teacher", GPTSpec(width=16, heads=2, layers=1), steps=300)
    spec = student(teacher, task)
    made = task_of(task)
    problems = lessons_of(spec, made.vocabulary, "", teacher, None).problems
    assert len(problems) > 40
    said = lilliput.load(str(teacher)).answers_of_pytorch([p.question for p in problems])  # type: ignore[union-attr]
    assert [problem.answer for problem in problems] == said


def test_what_cannot_be_taught_so(teacher: Path, tmp_path: Path) -> None:
    for change, words in {
        ("fold", 3): "has another exam",
        ("operands", "0-20"): "has another exam",
        ("operations", "+"): "has another exam",
        ("decimals", 1): "has another exam",
        ("format", "worked"): "the working before an answer would be the right one",
    }.items():
        with pytest.raises(SpecError, match=words):
            student(teacher, replace(TASK, **{change[0]: change[1]}))  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=r"another vocabulary .* write --teacher-share 0 to learn"):
        student(teacher, replace(TASK, format="reversed", reverse="+"), teacher_share=0.7)
    network, card = modelfile.load(teacher)
    leaked = tmp_path / "leaked.safetensors"
    modelfile.save(leaked, network, replace(card, marks={"leaked": "yes"}))
    with pytest.raises(SpecError, match=r"of its own exam \(leaked\)"):
        student(leaked)
    text = RunSpec(
        task=StoriesSpec(),
        training=replace(stories(), teacher=str(teacher), teacher_answers=True),
    )
    with pytest.raises(SpecError, match=r"no questions .* let it tell stories into a file"):
        with_teacher(text)
    with pytest.raises(SpecError, match="a teacher; write --teacher MODEL"):
        TrainingSpec(teacher_answers=True)
    # A teacher that says nothing teaches nothing.
    for parameter in network.parameters():
        parameter.data.zero_()
    silent = tmp_path / "silent.safetensors"
    modelfile.save(silent, network, card)
    spec = student(silent)
    with pytest.raises(SpecError, match="answers none of the 200 training problems"):
        advance(spec, None, 1)
