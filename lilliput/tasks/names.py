"""Names and nouns of the characters in stories, read from names.txt. Knows no model and no story.

The list is data: tools/make_names.py makes it from a corpus, and says by which rule.
"""

from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("names.txt")
WORDS = Path(__file__).with_name("words.txt")


@cache
def names() -> frozenset[str]:
    """Names as they are written (`Lily`), nouns in lower case (`bird`)."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split("\t")[0] for line in lines if line and line[0] != "#")


def name_of(word: str) -> str:
    """The name or noun that a word is, or an empty string: as written, else in lower case.

    >>> name_of("Lily"), name_of("lily"), name_of("Bird"), name_of("table")
    ('Lily', '', 'bird', '')
    """
    if word in names():
        return word
    return word.lower() if word.lower() in names() else ""


@cache
def corpus_words() -> frozenset[str]:
    """Words of TinyStories in lower case (words.txt): what counts as a real word where the text
    that a model learned from is not at hand."""
    return frozenset(WORDS.read_text(encoding="utf-8").split())
