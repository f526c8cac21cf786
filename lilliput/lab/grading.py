"""The verb grade: the exam of whatever a name stands for, a model or a text of expressions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.errors import SpecError, nearest
from lilliput.lab.answering import Model
from lilliput.lab.load import load
from lilliput.lab.stories import TextGraded, grade_text
from lilliput.lab.verbs import SECTIONS, Graded, grade_problems
from lilliput.tasks.documents import Progress
from lilliput.tasks.splits import Section

if TYPE_CHECKING:
    from lilliput.exam.expressions import GradedLine

_MODEL_ENDS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


def grade(
    name: str,
    sections: Sequence[Section] = (),
    text: Sequence[str] = (),
    *,
    anchors: bool = False,
    why: str = "grade",
    progress: Progress = lambda what, share: None,
) -> "Graded | TextGraded | list[GradedLine]":
    """The exam of a model, whatever it does; or each line of a file of expressions, marked.

    The whole exam of a run is kept beside its model, and each look at unseen is recorded there.

    >>> import lilliput
    >>> exam = lilliput.grade("zoo:addition-368", ["unseen"])
    >>> print(exam.grade.sections["unseen"].overall.interval)
    96.4 % [94.4, 97.7]
    >>> Path("sums.txt").write_text("1 + 1 = 2.00")
    12
    >>> [line.mark for line in lilliput.grade("sums.txt")]
    ['correct']

    Args:
        name: as `load` takes it, or a text file of lines such as `12 + 24 = 36.00`.
        sections: of a model that answers questions: only these; empty: all.
        text: of a model of text: files or folders that it is asked; empty: what its own text kept.
        anchors: of a memory-gru: names are kept in mind.
        why: what a look at unseen is for, as its record says.
        progress: of an exam that takes long: is told what comes next, and which share is over.

    Returns:
        Graded of a model that answers questions, TextGraded of one of text, else the lines.

    Raises:
        SpecError: what was asked for is not of this kind of model.
        NotFoundError, FileError: the model or its text cannot be had.
        UserError: a file that is neither a model nor a text.
    """
    if is_expressions(name):
        from lilliput.exam.expressions import grade_text as grade_lines

        return grade_lines(Path(name).read_bytes(), name)
    model = load(name)
    if not isinstance(model, Model):
        if sections:
            told = model.taken or f"{name} tells stories"
            raise SpecError(f"{told}; its exam has no sections: leave them out")
        return grade_text(name, text, anchors, why, progress)
    if text or anchors:
        raise SpecError(f"{name} answers questions; --text and --anchors are for models of text")
    for section in sections:
        if section not in SECTIONS:
            raise SpecError(f"unknown section {section!r}" + nearest(section, SECTIONS))
    asked = sections or SECTIONS
    return grade_problems(name, asked, keep=not sections, why=why, progress=progress)


def is_expressions(name: str) -> bool:
    """A file that is no model: neither by its name nor by its first bytes."""
    path = Path(name)
    if name.startswith("zoo:") or not path.is_file() or path.suffix in _MODEL_ENDS:
        return False
    with path.open("rb") as file:
        start = file.read(9)
    # A safetensors file opens with a length of 8 bytes and a JSON table; a text has no zero byte.
    return not (start[8:9] == b"{" and b"\0" in start[:8])
