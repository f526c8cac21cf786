"""What the flags of a training begin with: a spec, a run, a preset, nanoGPT's settings, or a model
to start from; and what a run must say of the model that it starts from."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from lilliput.errors import LilliputError, NotFoundError, SpecError, UserError
from lilliput.files import read_json
from lilliput.specs import (
    ArithmeticSpec,
    HFSpec,
    LinesSpec,
    ModelSpec,
    RunSpec,
    StoriesSpec,
    TaskSpec,
    TrainingSpec,
    from_dict,
)
from lilliput.specs.recipes import baby_model, baby_training, training_of

BABY = "baby"
"""The preset: nanoGPT's baby GPT, trained its way."""
LEARNED_OTHER = "start learned other text"
START_LEAKED = "start leaked"


class Base(NamedTuple):
    """Defaults of a training's flags."""

    model: ModelSpec | HFSpec
    training: TrainingSpec
    kind: str
    """Of the task."""
    task: TaskSpec | None = None
    """None: the task's own defaults, but for these."""
    changes: Mapping[str, str] = MappingProxyType({})
    seed: int = 0
    start: str = ""
    start_digest: str = ""
    start_marks: tuple[str, ...] = ()
    """Of a run that goes on, which may do so without the model that it started from."""
    remarks: tuple[str, ...] = ()
    """What of the source could not be taken over."""


def base_of(
    *, preset: str = "", spec: str = "", resume: str = "", config: str = "", start: str = "",
    task: str = "",
) -> Base | None:  # fmt: skip
    """The base that was asked for; None: there is none.

    Args:
        start: counts where nothing else is asked for.
        task: the kind of task that was typed; empty: as the base has it.

    Raises:
        UserError: more than one is asked for.
        NotFoundError, FileError, SpecError: what it is read from cannot be had or read.
    """
    asked = {BABY: preset, "--spec": spec, "--resume": resume, "--config": config}
    named = [name for name, value in asked.items() if value]
    if len(named) > 1:
        raise UserError(f"{' and '.join(named)} each bring a whole spec; leave one out")
    if spec or resume:
        return _of_spec(Path(resume) / "spec.json" if resume else Path(spec), bool(resume))
    if preset:
        return _of_network(baby_model(), baby_training(), task)
    if config:
        return _of_config(Path(config), task)
    return _of_start(start, task) if start else None


def _of_spec(path: Path, going_on: bool) -> Base:
    if not path.is_file():
        raise UserError(f"no spec in {path}; a run's folder has one as spec.json")
    made = from_dict(RunSpec, read_json(path))
    base = Base(made.model, made.training, made.task.kind, made.task, seed=made.seed)
    base = base._replace(start=made.start)
    if not going_on:
        return base
    return base._replace(start_digest=made.start_digest, start_marks=made.start_marks)


def runs_that_kept(name: str) -> list[Path]:
    """Folders in runs/ of trainings that began with a model of transformers and hold a copy of it;
    they go on, and are graded and shipped, without the one that they began with."""
    found = []
    for start in sorted(Path("runs").glob("*/start.safetensors")):
        try:
            model = from_dict(RunSpec, read_json(start.with_name("spec.json"))).model
        except (LilliputError, OSError):
            continue
        if isinstance(model, HFSpec) and model.name == name:
            found.append(start.parent)
    return found


def _of_config(path: Path, task: str) -> Base:
    from lilliput.specs.nanogpt import read_config

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(f"no file {path}; give a configuration file of nanoGPT") from None
    except UnicodeDecodeError:
        raise SpecError(f"{path} is no text; give a configuration file of nanoGPT") from None
    read = read_config(text, str(path))
    remarks = tuple(f"{path}: {remark}" for remark in read.remarks)
    return _of_network(read.model, read.training, task)._replace(remarks=remarks)


def _of_start(start: str, task: str) -> Base:
    """A model of ours brings its whole spec, nanoGPT's its network and settings.

    Raises:
        SpecError: it is one of transformers, which is started from by another word.
    """
    from lilliput.baselines import nanogpt
    from lilliput.lab.load import resolve
    from lilliput.models.modelfile import read_card

    if start.startswith("hf:"):
        raise SpecError(
            f"{start} is a model of transformers; to start from it, write `lilliput train {start}`"
            " in place of a family and --start"
        )
    path = resolve(start)
    if not nanogpt.recognises(path):
        made = read_card(path).spec
        if isinstance(made.model, HFSpec):
            raise SpecError(
                f"{start} is a model of transformers; to start from it, write `lilliput train"
                f" hf:{start}` in place of a family and --start"
            )
        own = task in ("", made.task.kind)
        training = made.training if own else training_of(task)
        base = Base(made.model, training, task or made.task.kind, seed=made.seed, start=start)
        return base._replace(task=made.task if own else None)
    from lilliput.lab.nanogpt import taken_words, writes_arithmetic
    from lilliput.specs.nanogpt import decay_remarks, specs_of

    checkpoint = nanogpt.read(path)
    remarks: tuple[str, ...] = ()
    if not task and not writes_arithmetic(checkpoint.symbols):
        task = "stories"
        remarks = (f"{taken_words(start, checkpoint.symbols)}; --task says another",)
    task = task or "arithmetic"
    try:
        training = specs_of({**checkpoint.config, "init_from": "scratch"})[1]
        remarks += tuple(f"{start}: {remark}" for remark in decay_remarks(checkpoint.config))
    except SpecError as error:
        remarks += (f"{start}: the settings of {BABY} are taken, for of its own {error}",)
        training = baby_training()
    training = replace(training, block=checkpoint.window)
    base = _of_network(checkpoint.spec, training, task)
    return base._replace(start=start, remarks=remarks)


def _of_network(model: ModelSpec, training: TrainingSpec, task: str) -> Base:
    """A network of nanoGPT's, which learns arithmetic as TinyMath writes it, or another task."""
    kind = task or "arithmetic"
    changes = {"format": "plain"} if kind == "arithmetic" else {}
    return Base(model, training, kind, changes=changes)


def with_start(spec: RunSpec) -> RunSpec:
    """The spec with the path, the digest and the marks of the model that it starts from.

    Raises:
        NotFoundError, FileError: it cannot be had or read.
        SpecError: it does not fit the spec.
    """
    if not spec.start or spec.start_digest:
        return spec
    assert not isinstance(spec.model, HFSpec), "the spec refuses two starts"
    from lilliput.baselines import nanogpt
    from lilliput.lab.load import resolve
    from lilliput.lab.nanogpt import UNKNOWN
    from lilliput.models.modelfile import read_card
    from lilliput.tasks.task import task_of
    from lilliput.training.start import check, digest_of, read_start

    path = resolve(spec.start)
    check(spec.start, read_start(path), spec.model, task_of(spec.task).vocabulary)
    marks: tuple[str, ...] = (UNKNOWN,)
    if not nanogpt.recognises(path):
        card = read_card(path)
        marks = tuple(name for name, value in card.marks.items() if value == "yes")
        marks = tuple(dict.fromkeys((*marks, *_leaks(card.spec.task, spec.task))))
    start = spec.start if spec.start.startswith("zoo:") else str(path)
    return replace(spec, start=start, start_digest=digest_of(path), start_marks=marks)


def _leaks(learned: TaskSpec, asked: TaskSpec) -> tuple[str, ...]:
    """What must be said of a start that learned one task, in the exam of another."""
    if learned.kind != asked.kind:
        return ()
    if isinstance(learned, ArithmeticSpec) and isinstance(asked, ArithmeticSpec):
        from lilliput.tasks.arithmetic import Arithmetic

        exam = Arithmetic(asked)
        leaks = (exam.asks(p.question) for p in Arithmetic(learned).section("seen"))
        return (START_LEAKED,) if any(leaks) else ()
    if isinstance(learned, StoriesSpec) and isinstance(asked, StoriesSpec):
        same = learned.text_digest == asked.text_digest and learned.fold == asked.fold
        return () if same else (LEARNED_OTHER,)
    if isinstance(learned, LinesSpec) and isinstance(asked, LinesSpec):
        same = learned.file_digest == asked.file_digest and learned.fold == asked.fold
        return () if same else (LEARNED_OTHER,)
    return ()
