"""A teacher: a trained model whose likelihoods a student learns besides the text (distillation).

Hinton et al. 2015, arXiv 1503.02531. B rows, T characters, S positions with logits, V vocabulary.
What it answers, training/answers.py asks. Knows no files but a model's, and no search.
"""

import dataclasses
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lilliput.errors import FileError, SpecError
from lilliput.models import modelfile
from lilliput.models.card import Card
from lilliput.specs.run import RunSpec
from lilliput.specs.task import ArithmeticSpec, LinesSpec, StoriesSpec, TaskSpec
from lilliput.specs.training import TrainingSpec
from lilliput.tasks.documents import file_digest
from lilliput.tasks.task import Task
from lilliput.tasks.tokens import AnyVocabulary
from lilliput.tasks.vocabulary import Vocabulary
from lilliput.training.batches import IGNORED

_TELL = (
    "let it tell stories into a file (`lilliput sample MODEL --lines 10000 > told.txt`) and learn"
    " those with --text told.txt"
)
_ANSWER = {
    False: "learn what it answers with --teacher-answers, whatever it writes in; else choose a"
    " teacher of the same task and --format",
    True: "write --teacher-share 0 to learn its answers alone",
}


@dataclasses.dataclass(frozen=True)
class Teacher:
    """What is asked of a teacher, and how much it weighs."""

    network: nn.Module
    share: float
    temperature: float

    def loss(self, logits_BSV: Tensor, ids_BT: Tensor, targets_BS: Tensor, first: int) -> Tensor:
        """Sum over the characters that are learned of what the student's likelihoods lack of the
        teacher's (Kullback-Leibler divergence, nats), both at the temperature, times its square."""
        with torch.no_grad():
            held_BSV = self.network(ids_BT, first).float() / self.temperature
        apart_BSV = F.kl_div(
            F.log_softmax(logits_BSV.float() / self.temperature, dim=-1),
            F.log_softmax(held_BSV, dim=-1),
            reduction="none",
            log_target=True,
        )
        learned_BS = targets_BS != IGNORED
        return apart_BSV.sum(dim=-1)[learned_BS].sum() * self.temperature**2


def teacher_of(
    spec: RunSpec, task: Task, path: Path, vocabulary: AnyVocabulary, context: int
) -> Teacher | None:
    """The teacher that a spec names; None: its answers alone are learned, which `answers` asks.

    Args:
        path: its model file.
        vocabulary: the student's.
        context: the student's longest sequence.

    Raises:
        NotFoundError, FileError: there is no such model file, it is damaged, or another than the
            spec was made for.
        SpecError: it has another task or exam than the student; or another vocabulary or format,
            where its likelihoods are learned; or the task is none whose answers can be.
    """
    training = spec.training
    digest = checked_digest(training, path)
    if training.teacher_answers:
        check_answers(spec)
    its = modelfile.read_card(path)
    _check_task(spec, its)
    # First: what else differs has remedies, and none of them makes another exam the same.
    _check_exam(spec, its)
    if not training.teacher_share:
        return None
    network, card = loaded(path, digest)
    _check_vocabulary(spec, card, vocabulary)
    _check_writing(spec, task, card)
    window = int(network.window)  # type: ignore[arg-type]
    if window and window < context:
        raise SpecError(
            f"the teacher {training.teacher} reads {window:,} characters or pieces at once, and"
            f" the student learns from {context:,}: give a smaller --block, or another teacher"
        )
    return Teacher(network, training.teacher_share, training.teacher_temperature)


def checked_digest(training: TrainingSpec, path: Path) -> str:
    """sha256 of a teacher's file.

    Raises:
        NotFoundError, FileError: it is not there, or another than the spec was made for.
    """
    digest = file_digest(path)
    if training.teacher_digest and digest != training.teacher_digest:
        raise FileError(
            f"the teacher {training.teacher} has changed since this run was specified; bring the"
            " old file back, or train anew under another --name"
        )
    return digest


@lru_cache(maxsize=1)
def loaded(path: Path, digest: str) -> tuple[nn.Module, Card]:
    """Read once, however many slices of trainings are taught."""
    network, card = modelfile.load(path)
    return network.eval().requires_grad_(False), card


def check_answers(spec: RunSpec) -> None:
    """Raises SpecError where no answers of a teacher can be learned."""
    if isinstance(spec.task, StoriesSpec):
        raise SpecError(
            "text has no questions that a teacher could answer: leave out --teacher-answers to"
            f" learn what it holds likely, or {_TELL}"
        )
    if isinstance(spec.task, ArithmeticSpec) and spec.task.format == "worked":
        raise SpecError(
            "the working before an answer would be the right one, whatever the teacher answers:"
            " choose another --format (or leave out --teacher-answers)"
        )


def _check_task(spec: RunSpec, card: Card) -> None:
    """Raises SpecError where a teacher has learned another kind of task than its student is to."""
    taught = card.spec.task.kind
    if taught != spec.task.kind:
        raise SpecError(
            f"the teacher {spec.training.teacher} has learned {taught}, and what it is to teach is"
            f" {spec.task.kind}: give a teacher of the same task"
        )


def _check_vocabulary(spec: RunSpec, card: Card, own: AnyVocabulary) -> None:
    """Raises SpecError where the numbers of teacher and student mean different characters."""
    its, taught = card.vocabulary, card.spec.task
    if its == own:
        return
    remedy = _ANSWER.get(spec.training.teacher_answers)
    if isinstance(spec.task, StoriesSpec) and isinstance(taught, StoriesSpec):
        remedy = "leave --vocabulary out: the student takes the teacher's over"
        if taught.vocabulary == spec.task.vocabulary:  # another version of the library learned it
            remedy = _TELL
    raise SpecError(
        f"the teacher {spec.training.teacher} has another vocabulary than the student:"
        f" {_apart(its, own)}; likelihoods can be learned only of the same characters or pieces:"
        f" {remedy}"
    )


def _apart(its: AnyVocabulary, own: AnyVocabulary) -> str:
    """How a teacher's vocabulary differs from the student's."""
    if not (isinstance(its, Vocabulary) and isinstance(own, Vocabulary)):
        return f"{_kind(its)} against {_kind(own)}"
    if bool(its.merges) != bool(own.merges):
        return f"{_kind(its)} against {_kind(own)}"
    if apart := sorted(set(its.known) ^ set(own.known)):
        return f"{apart[0]!r} is only in one"
    if its.characters != own.characters:
        return "its characters stand in another order"
    pairs = enumerate(zip_longest(its.merges, own.merges), 1)
    number, (one, other) = next((n, pair) for n, pair in pairs if pair[0] != pair[1])
    return (
        f"{_kind(its)} against {_kind(own)}, of which merge {number:,} is the first that differs:"
        f" {_joined(its, one)} against {_joined(own, other)}"
    )


def _joined(vocabulary: Vocabulary, merge: tuple[int, int] | None) -> str:
    return " + ".join(repr(vocabulary.decode([number])) for number in merge) if merge else "none"


def _kind(vocabulary: AnyVocabulary) -> str:
    if isinstance(vocabulary, Vocabulary):
        return f"{len(vocabulary):,} {'pieces' if vocabulary.merges else 'characters'}"
    return f"a tokenizer of {len(vocabulary):,} tokens"


def _check_writing(spec: RunSpec, task: Task, card: Card) -> None:
    """Raises SpecError where a teacher's rows are not the student's."""
    name = spec.training.teacher
    if card.format != task.format.to_dict():
        raise SpecError(
            f"the teacher {name} writes in another format ({_words(card.format)}) than the student"
            f" ({_words(task.format.to_dict())}): give both the same --format and --operands, or"
            f" {_ANSWER.get(spec.training.teacher_answers)}"
        )
    if card.spec.training.opens_with_end != spec.training.opens_with_end:
        raise SpecError(
            f"the teacher {name} was trained with --layout {card.spec.training.layout} --loss"
            f" {card.spec.training.loss}: give the student the same, for both read the same rows"
        )


def _check_exam(spec: RunSpec, card: Card) -> None:
    """Raises SpecError where a teacher may have learned what a student must not see."""
    name = spec.training.teacher
    if _exam(card.spec.task) != _exam(spec.task):
        raise SpecError(
            f"the teacher {name} has another exam, so it may have learned what the student must not"
            " see: train it on the same task, with the same operations, operands, decimals,"
            " held-out range, fold and text"
        )
    if "leaked" in card.marks and "leaked" not in spec.marks:
        raise SpecError(
            f"the teacher {name} was trained on problems of its own exam (leaked), and would pass"
            " them on; choose another teacher"
        )


def _exam(task: TaskSpec) -> TaskSpec:
    """A task without what decides only how it is learned and written, or where its files lie."""
    if isinstance(task, ArithmeticSpec):
        made = dataclasses.replace(task, weights=(), source="", source_digest="", leaked=False)
        return dataclasses.replace(made, format="plain", reverse="")
    if isinstance(task, LinesSpec):
        return dataclasses.replace(task, file="-")
    assert isinstance(task, StoriesSpec)
    return dataclasses.replace(task, text=("-",), valid=(), unseen=(), vocabulary=0)


def _words(style: dict[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in style.items() if value)
