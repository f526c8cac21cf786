"""Laws of the splits: sections never meet, twins stay together, every problem is somewhere."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lilliput.errors import FileError, ProblemError, SpecError
from lilliput.specs import ArithmeticSpec, LinesSpec
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.lines import Lines
from lilliput.tasks.source import read_source
from lilliput.tasks.splits import twins_key
from lilliput.tasks.task import task_of, to_learn

SECTIONS = ("seen", "valid", "unseen", "beyond")


def arithmetic(**fields: object) -> Arithmetic:
    return Arithmetic(ArithmeticSpec(**fields))  # type: ignore[arg-type]


def test_the_problems_of_0_to_89_by_section() -> None:
    task = arithmetic()
    sizes = {name: len(task.section(name)) for name in SECTIONS}
    assert sizes == {"seen": 25857, "valid": 3268, "unseen": 3185, "beyond": 7590}
    assert sum(sizes[name] for name in SECTIONS[:3]) == task.num_problems == 32310


def test_sections_never_meet_and_twins_stay_together() -> None:
    task = arithmetic()
    home: dict[tuple[str, str], str] = {}
    questions: set[str] = set()
    for name in SECTIONS:
        for problem in task.section(name):
            assert problem.question not in questions
            questions.add(problem.question)
            assert home.setdefault((problem.group, problem.cluster), name) == name
    # Not vacuous: most clusters of + - * have two members.
    assert len(questions) > 1.5 * len(home)


def test_beyond_is_the_held_out_range_whole_and_nothing_else() -> None:
    task = arithmetic()
    beyond = {problem.question for problem in task.section("beyond")}
    wanted = {
        f"{a} {op} {b}"
        for op in "+-*/"
        for a in range(100)
        for b in range(100)
        if max(a, b) >= 90 and (op != "/" or b)
    }
    assert beyond == wanted


@given(st.integers(0, 999), st.integers(0, 999), st.sampled_from("+-*"))
def test_twins_have_one_name(left: int, right: int, operation: str) -> None:
    assert twins_key(operation, left, right) == twins_key(operation, right, left)
    if left != right:
        assert twins_key("/", left, right) != twins_key("/", right, left)


def test_a_small_space_is_learned_and_asked_whole_unless_a_fold_is_named() -> None:
    whole = arithmetic(operands="0-9")
    assert whole.exhaustive
    assert whole.num_problems == 390 == len(whole.section("seen")) == len(whole.section("unseen"))
    unseen = []
    for fold in range(10):
        part = arithmetic(operands="0-9", fold=fold)
        assert not part.exhaustive
        names = [{p.question for p in part.section(name)} for name in SECTIONS[:3]]
        assert not names[0] & names[1]
        assert not names[0] & names[2]
        assert not names[1] & names[2]
        unseen += [problem.question for problem in part.section("unseen")]
    assert len(unseen) == len(set(unseen)) == 390


def test_a_space_too_large_to_list_is_drawn_by_the_same_split() -> None:
    task = arithmetic(operands="0-99999", held_out="90000-99999")
    for name in SECTIONS[1:]:
        problems = task.section(name)
        assert len({problem.question for problem in problems}) == len(problems) == 4000
        assert all(task.where(problem.question) == name for problem in problems[:200])
    drawn = task.draw(random.Random(1))
    assert all(task.where(next(drawn).question) == "seen" for _ in range(200))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"operands": "9-1"}, "impossible range"),
        ({"operands": "a-b"}, "cannot read 'a-b' as a range"),
        ({"operands": "0-5", "held_out": "0-9"}, "leaves nothing"),
        ({"operations": "%"}, "some of"),
        ({"operations": "++"}, "each once"),
        ({"operations": "+-", "weights": (1.0,)}, "one number"),
        ({"operands": "0-0", "operations": "/"}, "division by zero"),
        ({"decimals": 9}, "from 0 to 6"),
        ({"fold": 10}, "from 0 to 9"),
        ({"leaked": True}, "source"),
    ],
)
def test_impossible_tasks_are_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        arithmetic(**fields)


def test_a_source_loses_what_is_held_out_unless_it_is_leaked(tmp_path: Path) -> None:
    plain = arithmetic()
    unseen, seen = plain.section("unseen")[0], plain.section("seen")[0]
    path = tmp_path / "lines.txt"
    lines = [f"{p.question} = {p.answer}" for p in (unseen, seen, seen)] + ["95 + 1 = 96.00"]
    path.write_text("\n".join(lines))
    source = read_source(arithmetic(source=str(path)))
    assert (source.num_lines, source.num_dropped) == (4, 2)
    assert source.problems == [seen, seen]
    leaked = to_learn(task_of(ArithmeticSpec(source=str(path), leaked=True)))
    assert [problem.question for problem in leaked] == [p.split(" =")[0] for p in lines]


@pytest.mark.parametrize(
    ("text", "words"),
    [("2 + 2 = 5.00", "line 1: 2 . 2 = 5.00 is wrong, it is 4.00"),
     ("95 + 1 = 96.00", "no problem"),
     ("hello", "line 1: cannot read"), ("", "no problem to train on")],
)  # fmt: skip
def test_a_bad_source_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "lines.txt"
    path.write_text(text)
    with pytest.raises(ProblemError, match=words):
        read_source(arithmetic(source=str(path)))


def test_a_leaked_operand_wider_than_the_format_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    for line in ("1 + 100 = 101.00", "-3 + 4 = 1.00"):
        path.write_text(f"1 + 1 = 2.00\n{line}")
        with pytest.raises(ProblemError, match=r"lines.txt, line 2: .* not from 0 to 99"):
            read_source(arithmetic(source=str(path), leaked=True))
        assert read_source(arithmetic(source=str(path))).num_dropped == 1


def test_text_is_cut_at_newlines_only_and_loses_its_first_mark(tmp_path: Path) -> None:
    path = tmp_path / "lines.tsv"
    path.write_bytes("\ufeffa\x0bb\tc\u2028d\r\ne\tf".encode())
    problems = Lines(LinesSpec(file=str(path))).section("seen")
    assert [p[:2] for p in problems] == [("a\x0bb", "c\u2028d"), ("e", "f")]
    path.write_bytes("\ufeff1 + 1 = 2.00\x0b\n2 + 2 = 4.00".encode())
    assert read_source(arithmetic(source=str(path))).num_lines == 2


def test_a_changed_source_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("1 + 1 = 2.00")
    with pytest.raises(FileError, match="has changed"):
        read_source(arithmetic(source=str(path), source_digest="0" * 64))


def test_lines_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "capitals.tsv"
    path.write_text("\n".join(f"city {n}\tland {n % 7}" for n in range(1500)))
    task = Lines(LinesSpec(file=str(path)))
    parts = [{p.question for p in task.section(name)} for name in SECTIONS[:3]]
    assert [len(part) for part in parts] == [1213, 143, 144]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    assert task.context == len("city 1499\tland 1\n")
    problem = task.section("seen")[0]
    written = task.format.prompt(problem.question) + task.format.completion(*problem[:2])
    assert task.vocabulary.decode(task.vocabulary.encode(written)) == written


@pytest.mark.parametrize(
    ("text", "words"),
    [("one two", "line 1: 'one two' is no question, tab, answer"), ("", "no lines"),
     ("a\tb\na\tc", "line 2: 'a' has two answers"), ("a\tb\tc", "line 1")],
)  # fmt: skip
def test_bad_lines_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "lines.tsv"
    path.write_text(text)
    with pytest.raises(ProblemError, match=words):
        Lines(LinesSpec(file=str(path))).section("seen")


def test_a_binary_file_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "lines.tsv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="is not text"):
        Lines(LinesSpec(file=str(path))).section("seen")
