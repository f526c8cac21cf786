"""A loaded model of text: it goes on with a prompt, and is what the exam of text asks.

Ours, and those that others made, in one form.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lilliput.errors import FileError, SpecError
from lilliput.models.card import Card
from lilliput.models.modelfile import read_card
from lilliput.specs.sampling import Sampling
from lilliput.tasks.vocabulary import Vocabulary, mapped

if TYPE_CHECKING:
    from lilliput.baselines.baseline import Baseline
    from lilliput.engine.binding import Engine
    from lilliput.exam.reader import Reader

_Flat = Callable[[], bytes | None]
STORYTELLING = Sampling(temperature=0.65)
"""Where nothing else is said: tinystoriesgru's own temperature."""


@dataclass(frozen=True)
class TextModel:
    """A model that goes on with text.

    >>> import lilliput
    >>> from lilliput.specs.sampling import GREEDY
    >>> model = lilliput.load("zoo:stories-60k")
    >>> "".join(model.tell("Once upon a time", sampling=GREEDY, pieces=11))
    ', there was a little girl named Lily. She loved'
    """

    name: str
    open: Callable[[], "Reader"]
    """Loads the network, which takes torch."""
    parameters: int
    """Unique numbers, ties once."""
    bytes: int
    """On disk."""
    family: str
    card: Card | None = None
    """Of a model of ours."""
    marks: dict[str, str] = field(default_factory=dict)
    flat: _Flat = lambda: None
    """The weights for the engine; None: it goes through torch."""
    taken: str = ""
    """Of a checkpoint that might have been one of arithmetic: why it is taken for one of text."""

    @cached_property
    def reader(self) -> "Reader":
        return self.open()

    @cached_property
    def alone(self) -> "Reader":
        """The reader for one text at a time: by the engine where it knows the model. Many texts
        side by side are no faster there than in PyTorch, which reads a row of each at once."""
        if self.engine is None:
            return self.reader
        from lilliput.exam.decoded import Decoded

        return self.reader._replace(network=Decoded(self.reader.network, self.engine))

    @cached_property
    def engine(self) -> "Engine | None":
        """The same model for the engine; None where that was not built or knows no such model."""
        from lilliput.engine.binding import Engine, library

        content = self.flat() if library() else None
        return Engine(content, self.name) if content else None

    def __repr__(self) -> str:
        return f"<TextModel {self.name}: {self.family}, {self.parameters:,} parameters>"

    def __call__(self, prompt: str) -> str:
        """A story that begins with the prompt, seed 0."""
        return prompt + "".join(self.tell(prompt))

    def tell(
        self,
        prompt: str,
        *,
        sampling: Sampling = STORYTELLING,
        seed: int = 0,
        pieces: int = 1_000,
        map_unknown: bool = False,
    ) -> Iterator[str]:
        """What comes after a prompt, a piece at a time, until the model ends it.

        Args:
            pieces: at most so many.
            map_unknown: characters that the model lacks are replaced by the nearest known ones.

        Raises:
            SpecError: the prompt leaves no room in the model's window.
            CharacterError: it has an unknown character, and they are not replaced.
        """
        if map_unknown:
            prompt = self.mapped(prompt)
        if self.engine is not None and self.card is not None:
            from lilliput.engine import continuing

            vocabulary = self.card.vocabulary
            assert isinstance(vocabulary, Vocabulary), "the engine reads no other"
            yield from continuing.tell(
                self.engine,
                vocabulary,
                prompt,
                sampling=sampling,
                seed=seed,
                pieces=pieces,
            )
            return
        from lilliput.exam.telling import tell

        yield from tell(self.alone, prompt, sampling=sampling, seed=seed, pieces=pieces)

    def anchored(self) -> "TextModel":
        """The same model, keeping names and nouns of characters in mind as tinystoriesgru does.

        Raises:
            SpecError: it is no memory-gru.
        """
        from lilliput.exam.anchors import Anchored
        from lilliput.models.memory_gru import MemoryGRU
        from lilliput.tasks.names import names

        if not isinstance(self.reader.network, MemoryGRU):
            raise SpecError(f"anchors are kept by a memory-gru; {self.name} is a {self.family}")
        known = getattr(self.reader.vocabulary, "known", "")
        spelled = [name for name in sorted(names()) if set(name) <= set(known)]
        ids = [self.reader.vocabulary.encode(name) for name in spelled]
        network = Anchored(self.reader.network, ids).eval()
        reader = self.reader._replace(network=network, at_once=1)
        return replace(self, open=lambda: reader, flat=lambda: None)

    def mapped(self, text: str) -> str:
        """The text with unknown characters replaced, where the vocabulary is one of characters."""
        vocabulary = self.card.vocabulary if self.card else self.reader.vocabulary
        known = getattr(vocabulary, "known", "")
        return mapped(text, known) if known else text


def of_file(name: str, path: Path) -> TextModel:
    """A model file of ours."""
    card = read_card(path)
    size, kind = path.stat().st_size, card.spec.model.kind

    def read() -> "Reader":
        from lilliput.exam.reader import Reader
        from lilliput.lab.opening import network_of

        network = network_of(path, card)
        window = int(network.window)  # type: ignore[arg-type]
        return Reader(network, card.vocabulary, window, (0,), (0,), endless=kind != "gpt")

    def flat() -> bytes | None:
        from lilliput.engine.flat import of_file
        from lilliput.engine.limits import over_limit

        return None if over_limit(card.own, card.numbers) else of_file(path)

    return TextModel(name, read, card.parameters, size, kind, card, card.marks, flat)


def baseline(name: str) -> TextModel | None:
    """A model that others made; None where the name is of another kind."""
    found = _baseline(name)
    return None if found is None else of_baseline(name, found)


def of_baseline(name: str, found: "Baseline") -> TextModel:
    """A model that others made, once it is read."""
    from lilliput.exam.reader import Reader
    from lilliput.models.memory_gru import MemoryGRU

    reader = Reader(
        found.network.eval(),
        found.vocabulary,
        found.window,
        found.start,
        found.ends,
        endless=isinstance(found.network, MemoryGRU),
    )

    def flat() -> bytes | None:
        from lilliput.baselines.decoding import flat_of

        return flat_of(found.network)

    return TextModel(name, lambda: reader, found.parameters, found.bytes, found.family, flat=flat)


def _baseline(name: str) -> "Baseline | None":
    path = Path(name)
    if name.startswith("hf:") or (path / "config.json").is_file():
        from lilliput.baselines import hf

        return hf.load(name.removeprefix("hf:"))
    if path.suffix == ".pt" or path.name.endswith(("q8.bin", "q15.bin")):
        from lilliput.baselines import tinystoriesgru
        from lilliput.baselines.baseline import Baseline
        from lilliput.baselines.symbols import Symbols

        network, symbols = tinystoriesgru.load(path)
        # Its own programs stop at "<", which opens the end mark of its training text.
        if "<" not in symbols:
            raise FileError(f"{path}: its vocabulary has no '<', which ends a story of this model")
        return Baseline(
            network=network,
            vocabulary=Symbols(symbols),
            window=network.window,
            start=(),
            ends=(symbols.index("<"),),
            parameters=sum(parameter.numel() for parameter in network.parameters()),
            bytes=path.stat().st_size,
            family="memory-gru (tinystoriesgru)",
        )
    if path.suffix == ".bin":
        from lilliput.baselines import llama2c

        return llama2c.load(path)
    return None
