"""A model's name, resolved in one place: runs, the zoo, files, others' checkpoints."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lilliput.errors import FileError, NotFoundError, SpecError, nearest
from lilliput.files import append_line, read_lines, write_json
from lilliput.lab.answering import Model
from lilliput.models.modelfile import read_card
from lilliput.specs import StoriesSpec
from lilliput.tasks.documents import file_digest
from lilliput.zoo import entries, path_of

if TYPE_CHECKING:
    from lilliput.lab.telling import TextModel


def load(name: str) -> "Model | TextModel":
    """A model by its name: `zoo:NAME`, a run (a folder, or its name in `runs/`), a model file;
    nanoGPT's, tinystoriesgru's and llama2.c's checkpoints; `hf:NAME` or a folder of transformers'.

    >>> import lilliput
    >>> lilliput.load("zoo:worked-10k")("12 + 24")
    '36.00'
    >>> lilliput.load("zoo:stories-60k")
    <TextModel zoo:stories-60k: gpt, 59,880 parameters>

    Raises:
        NotFoundError: there is none of that name; the nearest ones are given.
        FileError: its file is damaged or foreign.
    """
    from lilliput.lab import nanogpt, telling

    name = without_hf(name)
    if (published := nanogpt.of_name(name)) is not None:
        return published
    if (baseline := telling.baseline(name)) is not None:
        return baseline
    path = resolve(name)
    if isinstance(read_card(path).spec.task, StoriesSpec):
        return telling.of_file(name, path)
    return Model(name, path)


def load_answerer(name: str) -> Model:
    """As `load`, of a model that answers questions.

    Raises:
        SpecError: it tells stories.
    """
    model = load(name)
    if not isinstance(model, Model):
        told = model.taken or f"{name} tells stories and answers no questions"
        raise SpecError(f"{told}; try: lilliput tell --model {name}")
    return model


def load_text(name: str) -> "TextModel":
    """As `load`, of a model of text.

    Raises:
        SpecError: it answers questions.
    """
    model = load(name)
    if isinstance(model, Model):
        raise SpecError(f"{name} answers questions and tells no stories; try: lilliput calc")
    return model


def without_hf(name: str) -> str:
    """A name without the `hf:` before it, where that is a run or a model file of Lilliput: train
    and find begin with such a run by that word."""
    bare = Path(name.removeprefix("hf:"))
    run = (bare / "spec.json").is_file() and not (bare / "config.json").exists()
    return str(bare) if run or (bare.is_file() and bare.suffix == ".safetensors") else name


def resolve(name: str) -> Path:
    """The model file that a name stands for."""
    name = without_hf(name)
    if name.startswith("zoo:"):
        return path_of(name.removeprefix("zoo:"))
    for path in (Path(name), Path("runs") / name):
        if path.is_dir():
            if (path / "model.safetensors").exists():
                return path / "model.safetensors"
            if not (path / "spec.json").is_file():
                raise NotFoundError(
                    f"{path} holds no model and no run; give a run's folder, a model file or"
                    " zoo:NAME"
                )
            raise NotFoundError(
                f"{path} has no finished model; go on with `lilliput train --resume {path}`"
            )
        if path.is_file():
            return path
    runs = [path.name for path in Path("runs").glob("*/") if (path / "model.safetensors").exists()]
    known = [f"zoo:{entry.name}" for entry in entries()] + runs
    raise NotFoundError(
        f"no model {name!r}{nearest(name, known, most=3)}; `lilliput zoo` lists those of the"
        " package, your own are in runs/"
    )


def resolve_own(name: str) -> Path:
    """As `resolve`, of what a training of Lilliput wrote.

    Raises:
        NotFoundError: as `resolve`.
        SpecError: it is another program's, from which a training may begin.
    """
    name = without_hf(name)
    if name.startswith("hf:") or (Path(name) / "config.json").is_file():
        raise SpecError(
            f"{name} is a model of transformers as others made it: train it first (`lilliput train"
            f" hf:{name.removeprefix('hf:')}`) and give that run"
        )
    path = resolve(name)
    if path.suffix != ".safetensors":
        from lilliput.baselines import nanogpt

        if nanogpt.recognises(path):
            raise SpecError(
                f"{name} is a checkpoint of nanoGPT: train on from it first (`lilliput train"
                f" --start {name}`) and give that run"
            )
    return path


def keep_exam(model: Path, exam: dict[str, Any]) -> str:
    """Writes exam.json beside a model file that lies in a run's folder, or in a search's for one of
    its trials, with the digest of that file; elsewhere nothing. Returns why it could not be
    written; empty: nothing failed."""
    if not _is_kept(model):
        return ""
    try:
        exam = {**exam, "file_digest": file_digest(model)}
        write_json(model.with_name("exam.json"), exam, then="")
    except FileError as error:
        return str(error)
    return ""


def _is_kept(model: Path) -> bool:
    """Whether a model file of ours lies in a run's folder, or in a search's for a trial of it."""
    kept = (model.parent / "spec.json").is_file() or model.parent.parent.name == "models"
    return kept and model.suffix == ".safetensors"


def record_look(model: Path, why: str, section: str = "unseen", **found: float) -> int:
    """Adds a look at a section to looks.jsonl beside a model file, where exams are kept: what has
    been looked at often is no fresh exam. Those of a search's confirmation are in its ledger.

    Args:
        why: the verb that asked.
        found: what the look said: right and total, or bits per character and characters.

    Returns:
        Looks at this section so far, this one included; 0: they are not recorded there.

    Raises:
        FileError: the disk is full or the folder cannot be written.
    """
    if not _is_kept(model):
        return 0
    path = model.with_name("looks.jsonl")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    look = {"time": now, "section": section, **found, "why": why}
    append_line(path, look)
    return sum(row.get("section") == section for row in read_lines(path))
