"""A user's own task: a file of `question<TAB>answer` lines, with the same splits and exam."""

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from lilliput.errors import FileError, NotFoundError, ProblemError
from lilliput.specs.task import LinesSpec
from lilliput.tasks.splits import SMALL_SPACE, Problem, Section, section_of
from lilliput.tasks.vocabulary import END, Vocabulary

GROUP = "all"
"""Lines have no operations: one group."""


@dataclass(frozen=True, kw_only=True)
class LinesFormat:
    """A question, a tab, the answer, the end mark."""

    kind: Literal["lines"] = "lines"

    def prompt(self, question: str) -> str:
        return f"{question}\t"

    def completion(self, question: str, answer: str) -> str:
        return answer + END

    def read(self, group: str, text: str) -> str | None:
        return text

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_text(path: str) -> str:
    """The whole of a UTF-8 text file, without the mark that some editors put first (BOM).

    Raises:
        NotFoundError: there is no such file.
        FileError: it is a folder, is not text, or cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFoundError(f"no file {path!r}; give the path of a text file") from None
    except UnicodeDecodeError:
        raise FileError(f"{path} is not text: it is no UTF-8; give a text file") from None
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from None


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Lines:
    """The questions of one LinesSpec, by section; a small file is asked whole."""

    def __init__(self, spec: LinesSpec) -> None:
        self.spec = spec
        self.format = LinesFormat()
        self.groups = (GROUP,)

    @cached_property
    def _problems(self) -> list[Problem]:
        text = read_text(self.spec.file)
        if self.spec.file_digest and text_digest(text) != self.spec.file_digest:
            raise FileError(
                f"{self.spec.file} has changed since this run was specified; bring the old file"
                " back, or train anew with --file"
            )
        problems: dict[str, Problem] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            if not line.strip():
                continue
            question, tab, answer = line.partition("\t")
            if not tab or not question or not answer or "\t" in answer:
                raise ProblemError(
                    f"{self.spec.file}, line {number}: {line[:50]!r} is no question, tab, answer"
                )
            if (
                problems.setdefault(question, Problem(question, answer, GROUP, question))[1]
                != answer
            ):
                raise ProblemError(
                    f"{self.spec.file}, line {number}: {question[:60]!r} has two answers"
                )
        if not problems:
            raise ProblemError(
                f"{self.spec.file} has no lines; write question, tab, answer in each"
            )
        return list(problems.values())

    @property
    def num_problems(self) -> int:
        return len(self._problems)

    @property
    def exhaustive(self) -> bool:
        return self.num_problems < SMALL_SPACE and self.spec.fold == -1

    @cached_property
    def vocabulary(self) -> Vocabulary:
        texts = [text for problem in self._problems for text in problem[:2]]
        return Vocabulary.of([*texts, "\t"])

    @cached_property
    def context(self) -> int:
        """Characters of the longest line, tab and end mark included."""
        return max(len(problem.question) + len(problem.answer) for problem in self._problems) + 2

    def section(self, name: Section) -> list[Problem]:
        if name == "beyond":
            return []
        if self.exhaustive:
            return self._problems
        return [p for p in self._problems if section_of(p.cluster, self.spec.fold) == name]

    def exam(self, name: Section) -> list[Problem]:
        """The questions of an exam's section: all of it."""
        return self.section(name)
