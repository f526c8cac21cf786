"""Writes what stories are judged by: names and nouns of a corpus' characters, and its words.

    python tools/make_names.py stories.txt [--out names.txt] [--words words.txt] [--least 10]

writes lilliput/tasks/names.txt and words.txt unless told otherwise. A word of words.txt is in two
documents or more.

The rule, in documents (stories separated by a line `<|endoftext|>`) and never in single mentions:

* a name is a word written `Xxxx` inside a sentence (after a lower-case letter or a comma, and one
  space) in at least `--least` documents, and in more documents than have the word in lower case;
  titles, days and feasts (NO_NAMES) are left out;
* a noun stands for a character where it is what somebody is called by, or who speaks: the word
  before `named X` or `called X` with a capital X, or, after an article or a possessive and at
  most one word more, the word before `said`, `asked` or `replied`; in at least `--least-noun`
  documents, NO_NOUNS left out.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

from lilliput.exam.card import WORD, words_of
from lilliput.files import write_atomically
from lilliput.tasks import names
from lilliput.tasks.lines import read_text

DETERMINER = "the|a|an|her|his|their|my"
CALLED = re.compile(r"\b([a-z]+) (?:named|called) [A-Z]")
SPEAKS = re.compile(rf"(?i:\b(?:{DETERMINER})) (?:[a-z]+ )?([a-z]+) (?:said|asked|replied)\b")
NO_NAMES = frozenset(
    "I Mr Mrs Ms Miss Dr God Monday Tuesday Wednesday Thursday Friday Saturday Sunday Christmas"
    " Halloween Easter Thanksgiving".split()
)
NO_NOUNS = frozenset("and that then was were is had he she it they voice note sign label".split())


def names_in(document: str) -> tuple[set[str], set[str]]:
    """Words written `Xxxx` inside a sentence, and words in lower case, of one document."""
    capital, lower = set(), set()
    for match in WORD.finditer(document):
        word = match[0].replace("’", "'").removesuffix("'s")
        if word.islower():
            lower.add(word)
        before = document[max(0, match.start() - 2) : match.start()]
        inside = before[1:] == " " and (before[0].islower() or before[0] == ",")
        if inside and word.istitle() and word.isalpha() and word not in NO_NAMES:
            capital.add(word)
    return capital, lower


def nouns_in(document: str) -> set[str]:
    found = CALLED.findall(document) + SPEAKS.findall(document)
    return set(found) - NO_NOUNS


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus")
    parser.add_argument("--out", type=Path, default=names.FILE)
    parser.add_argument("--words", type=Path, default=names.WORDS)
    parser.add_argument("--least", type=int, default=10)
    parser.add_argument("--least-noun", type=int, default=25)
    words = parser.parse_args()
    documents = [d for d in read_text(words.corpus).split("<|endoftext|>") if d.strip()]
    capital: Counter[str] = Counter()
    lower: Counter[str] = Counter()
    nouns: Counter[str] = Counter()
    for document in documents:
        written, plain = names_in(document)
        capital.update(written)
        lower.update(plain)
        nouns.update(nouns_in(document))
    named = {w: n for w, n in capital.items() if n >= words.least and n > lower[w.lower()]}
    called = {w: n for w, n in nouns.items() if n >= words.least_noun}
    lines = [
        f"# Names and nouns of the characters of {len(documents):,} documents, with the number of",
        "# documents in which they were found; by the rule of tools/make_names.py.",
    ]
    for found in (named, called):
        rows = sorted(found.items(), key=lambda row: (-row[1], row[0]))
        lines += [f"{word}\t{count}" for word, count in rows]
    write_atomically(words.out, ("\n".join(lines) + "\n").encode())
    known = sorted(words_of(documents))
    write_atomically(words.words, ("\n".join(known) + "\n").encode())
    print(f"{words.words}: {len(known):,} words")
    print(f"{words.out}: {len(named)} names, {len(called)} nouns of {len(documents):,} documents")


if __name__ == "__main__":
    main()
