"""The merges of a byte-pair vocabulary, learned by the `tokenizers` library. Knows no file."""

from collections import Counter
from collections.abc import Iterable

from lilliput.errors import LilliputError, SpecError
from lilliput.tasks.vocabulary import Vocabulary, words

ENOUGH = 50_000_000
"""Characters that pieces are learned from; more text changes them little."""


def learn_merges(
    characters: Vocabulary, size: int, documents: Iterable[str]
) -> tuple[tuple[int, int], ...]:
    """Merges that make a vocabulary of `size` pieces, the characters among them.

    Raises:
        SpecError: there are more characters than pieces.
        LilliputError: `tokenizers` is not installed.
    """
    try:
        from tokenizers import Tokenizer
        from tokenizers.models import BPE
        from tokenizers.trainers import BpeTrainer
    except ImportError:
        raise LilliputError(
            "a vocabulary of pieces needs the tokenizers library: pip install tokenizers; or"
            " take characters (--vocabulary 0)"
        ) from None
    if size <= len(characters):
        raise SpecError(
            f"the text has {len(characters):,} different characters, so a vocabulary of {size} has"
            " no room for pieces; ask for more, or for 0 (characters)"
        )
    counts: Counter[str] = Counter()
    read = 0
    for document in documents:
        counts.update(words(document))
        read += len(document)
        if read >= ENOUGH:
            break
    tokenizer = Tokenizer(BPE())
    # No pre-tokenizer: each line given is one word already, said as often as it occurs.
    trainer = BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=list(characters.characters[1:]),
        limit_alphabet=len(characters) - 1,
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        (word for word, number in sorted(counts.items()) for _ in range(number)), trainer
    )
    return _as_numbers(characters, tokenizer)


def _as_numbers(characters: Vocabulary, tokenizer: object) -> tuple[tuple[int, int], ...]:
    import json

    pairs = json.loads(tokenizer.to_str())["model"]["merges"]  # type: ignore[attr-defined]
    ids = {character: number for number, character in enumerate(characters.characters)}
    merges = []
    for left, right in pairs:
        merges.append((ids[left], ids[right]))
        ids.setdefault(left + right, len(characters) + len(merges) - 1)
    return tuple(merges)
