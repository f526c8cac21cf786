"""A vocabulary of symbols, most of them characters, some of them longer; knows no model.

tinystoriesgru's last symbol is a space and an emoji together.
"""

from collections.abc import Sequence

from lilliput.errors import CharacterError


class Symbols:
    """Text as numbers of symbols: the longest that fits comes first."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self.symbols = list(symbols)
        self._ids = {symbol: number for number, symbol in enumerate(symbols)}
        self._longer = sorted((s for s in symbols if len(s) > 1), key=len, reverse=True)

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def known(self) -> str:
        """All characters that text may have."""
        return "".join(self.symbols)

    def encode(self, text: str) -> list[int]:
        """Raises CharacterError: names the first character that no symbol has."""
        ids, place = [], 0
        while place < len(text):
            symbol = next((s for s in self._longer if text.startswith(s, place)), text[place])
            if symbol not in self._ids:
                raise CharacterError(
                    f"unknown character {symbol!r} in {text[:60]!r}; this model knows"
                    f" {self.known!r}"
                )
            ids.append(self._ids[symbol])
            place += len(symbol)
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.symbols[number] for number in ids)
