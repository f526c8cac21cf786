"""Text, a piece at a time: what models write, be it lines or stories, and a task's own problems.

Knows no training and no search.
"""

from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import TYPE_CHECKING

from lilliput.errors import SpecError
from lilliput.lab.answering import Model
from lilliput.lab.load import load, load_text, record_look
from lilliput.lab.telling import STORYTELLING, TextModel
from lilliput.lab.verbs import SECTIONS
from lilliput.specs import ArithmeticSpec, StoriesSpec
from lilliput.specs.sampling import Sampling, check_seed
from lilliput.tasks.documents import LONGEST
from lilliput.tasks.splits import Problem, Section

if TYPE_CHECKING:
    import random

    from lilliput.tasks.task import Problems


def sample(
    name: str,
    *,
    lines: int = 10,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    seed: int = 0,
    section: str = "",
) -> Iterator[str]:
    """Lines that a model writes when it runs on freely, one at a time; of a model of text, stories.

    A model that was trained on answers alone has not learned to ask: its questions are drawn from
    the task and it goes on from there.

    >>> import lilliput
    >>> list(lilliput.sample("zoo:tables-1400", lines=2, temperature=0))
    ['8 - 7 = 1.00', '4 / 7 = 0.57']

    Args:
        section: only questions of this section; empty: of validation. `unseen` and `beyond` are
            looks at what is kept for reports, and are recorded as such.

    Raises:
        SpecError: a section that the task does not have, or any for a model that asks itself; a
            model of text that begins nothing by itself.
    """
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    yield from sample_of(load(name), lines, sampling, seed, section)


def sample_of(
    model: Model | TextModel, lines: int, sampling: Sampling, seed: int = 0, section: str = ""
) -> Iterator[str]:
    """What `sample` gives, of a model that is loaded; arguments and errors as there."""
    import random

    from lilliput.exam.decode import sample as sample_text

    if lines < 0:
        raise SpecError(f"lines must be 0 or more; got {lines}")
    if not isinstance(model, Model):
        if section:
            raise SpecError(
                f"{model.name} tells stories, which have no sections; leave --section out"
            )
        yield from stories(model, lines, sampling, seed)
        return
    if section and model.start:
        raise SpecError(f"{model.name} asks its own questions; leave --section {section} out")
    generator = random.Random(seed)
    problems = None if model.start else _drawn(model.task, section, generator)
    if lines and (section == "beyond" or (section == "unseen" and not model.task.exhaustive)):
        record_look(model.path, "sample", section, lines=lines)
    for number in range(lines):
        prompt = model.start
        if problems is not None:
            prompt = model.task.format.prompt(next(problems).question)
        pieces = sample_text(
            model.network,
            model.vocabulary,
            prompt,
            limit=model.card.context,
            sampling=sampling,
            seed=generator.randrange(2**31) + number,
            ends=(model.vocabulary.end_number,),
        )
        yield readable(model, prompt.removeprefix(model.start) + "".join(pieces))


def _drawn(task: "Problems", section: str, generator: "random.Random") -> Iterator[Problem]:
    """Problems of a section, of validation where none is named, drawn with replacement without
    end."""
    from lilliput.tasks.arithmetic import Arithmetic

    chosen = _section(section) or "valid"
    if chosen == "beyond" and not task.section("beyond"):
        raise SpecError(f"this task has no problem in {section!r}")
    if isinstance(task, Arithmetic):
        return task.draw(generator, chosen)
    listed = task.section(chosen)
    if not listed:
        raise SpecError(f"this task has no problem in {chosen!r}")
    return (generator.choice(listed) for _ in count())


def _section(name: str) -> Section | None:
    """A section by its name; None where that is empty.

    Raises:
        SpecError: there is none of that name.
    """
    if name and name not in SECTIONS:
        raise SpecError(f"no section {name!r}; choose one of {', '.join(SECTIONS)}")
    return name or None


def readable(model: Model, text: str) -> str:
    """What a model wrote, as a line `12 + 24 = 36.00` where its format can be read back."""
    body = text.rstrip(model.card.end)
    question, equals, answer = body.partition("=")
    if not equals or model.task.format.kind in ("plain", "lines"):
        return body
    operation = next((symbol for symbol in "+-*/" if symbol in question), "")
    left, _, right = question.partition(operation) if operation else ("", "", "")
    if not (left.isdigit() and right.isdigit()):
        return body
    read = model.task.format.read(operation, answer)
    return f"{int(left)} {operation} {int(right)} = {answer if read is None else read}"


def tell(
    prompt: str,
    name: str = "",
    *,
    temperature: float = STORYTELLING.temperature,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    seed: int = 0,
    pieces: int = 1_000,
    anchors: bool = False,
    map_unknown: bool = False,
) -> Iterator[str]:
    """What a model of text writes behind a prompt, a piece at a time, until it ends the text.

    >>> import lilliput
    >>> "".join(lilliput.tell("Once upon a time", temperature=0, pieces=12))
    ', there was a little girl named Lily. She loved to'

    Args:
        name: as `load` takes it; empty: the best storyteller of the zoo.
        pieces: characters, or pieces of a model that has them, at most.
        anchors: names of characters are kept in mind (memory-gru).
        map_unknown: characters that the model lacks are replaced by the nearest known ones.

    Raises:
        NotFoundError, FileError: the model cannot be had.
        SpecError: it answers questions, or the prompt leaves no room in its window.
        CharacterError: the prompt has an unknown character, and they are not replaced.
    """
    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    check_seed(seed)
    model = storyteller(name, anchors)
    yield from model.tell(
        prompt, sampling=sampling, seed=seed, pieces=pieces, map_unknown=map_unknown
    )


def stories(model: TextModel, number: int, sampling: Sampling, seed: int = 0) -> Iterator[str]:
    """Stories that a model begins by itself, whole where its window has room; story n draws from
    `seed` + n alone.

    Raises:
        SpecError: it reads nothing before a text, and so begins none.
    """
    check_seed(seed)
    if model.engine is not None and model.card is not None:
        for n in range(number):
            told = model.tell("", sampling=sampling, seed=seed + n, pieces=LONGEST)
            yield "".join(told)
        return
    from lilliput.exam.telling import tell_all

    reader = model.reader
    if not reader.start:
        raise SpecError(
            f"{model.name} needs the first words of a story; give them with"
            f' `lilliput tell "Once upon a time" --model {model.name}`'
        )
    for n in range(0, number, reader.at_once):
        prompts = [""] * min(reader.at_once, number - n)
        for text, _ in tell_all(
            reader, prompts, sampling=sampling, seed=seed + n, characters=LONGEST
        ):
            yield text


def storyteller(name: str = "", anchors: bool = False) -> TextModel:
    """A model of text; arguments and errors as of `tell`."""
    from lilliput.zoo import best

    model = load_text(name or f"zoo:{best('stories').name}")
    return model.anchored() if anchors else model


def data(task: ArithmeticSpec, lines: int = 0, seed: int = 0, section: str = "") -> Iterator[str]:
    """Lines of TinyMath's form, for other tools.

    >>> import lilliput
    >>> list(lilliput.data(lilliput.ArithmeticSpec(operands="0-9"), lines=2))
    ['8 - 7 = 1.00', '4 - 7 = -3.00']

    Args:
        task: where it has a source, what is learned are the lines of that file.
        lines: how many, drawn with replacement; 0: every problem once, in a random order, or the
            lines of a source in theirs.
        section: only problems of this section; empty: all but the held-out range, or what is
            learned of a source.
    """
    import random

    from lilliput.tasks.arithmetic import ENUMERABLE, Arithmetic

    arithmetic = Arithmetic(task)
    generator = random.Random(seed)
    chosen = _section(section)
    if lines < 0:
        raise SpecError(f"lines must be 0 or more; got {lines}")
    problems: Iterable[Problem]
    if task.source and chosen in (None, "seen"):
        from lilliput.tasks.source import read_source

        problems = read_source(arithmetic).problems
        if lines:
            problems = generator.choices(problems, k=lines)
    elif lines:
        if chosen and not arithmetic.section(chosen):
            raise SpecError(f"this task has no problem in {section!r}")
        problems = islice(arithmetic.draw(generator, chosen), lines)
    elif arithmetic.num_problems > ENUMERABLE:
        raise SpecError(
            f"{arithmetic.num_problems:,} problems are too many to write; say how many: --lines"
        )
    else:
        names: list[Section] = ["seen"] if arithmetic.exhaustive else ["seen", "valid", "unseen"]
        listed = [p for name in ([chosen] if chosen else names) for p in arithmetic.section(name)]
        if not listed:
            raise SpecError(f"this task has no problem in {section!r}")
        generator.shuffle(listed)
        problems = listed
    for problem in problems:
        yield f"{problem.question} = {problem.answer}"


def documents(task: StoriesSpec, section: str = "") -> Iterator[str]:
    """Documents of a text as it is split, characters replaced that the text to learn from lacks.

    Args:
        section: only documents of this section; empty: all of seen, valid and unseen.

    Raises:
        NotFoundError, FileError, SpecError: the text cannot be had (see tasks.corpus), or has no
            such section.
    """
    chosen = _section(section)
    if chosen == "beyond":
        raise SpecError("text has no section 'beyond'; choose one of seen, valid, unseen")
    return _documents(task, [chosen] if chosen else ["seen", "valid", "unseen"])


def _documents(task: StoriesSpec, names: Iterable[Section]) -> Iterator[str]:
    from lilliput.tasks.corpus import open_corpus

    corpus = open_corpus(task)
    for name in names:
        tokens = corpus.section(name)
        for number in range(len(tokens)):
            yield corpus.vocabulary.decode(tokens.document(number).tolist())
