"""A search for the smallest passing model, as data: ladder, pass mark, budget."""

from dataclasses import dataclass

from lilliput.errors import SpecError, nearest
from lilliput.specs.choices import check_choices
from lilliput.specs.model import FAMILIES
from lilliput.specs.sampling import check_seed


@dataclass(frozen=True, kw_only=True)
class SearchSpec:
    """Which sizes are tried, what passes, and how much may be spent."""

    families: tuple[str, ...] = ("gpt",)
    """Kinds of architecture; each has its own threshold. `hf` are students of the model that a
    search starts from (--start hf:NAME): it without some of its blocks."""
    smallest: int = 1_000
    """Parameters of the ladder's lowest rung."""
    largest: int = 60_000
    """Parameters of the ladder's highest rung: a size that surely passes."""
    rungs: int = 2
    """Rungs of the ladder in a doubling of the parameters."""
    pass_mark: float = 0.70
    """Score that the lower end of the interval must reach. The score of text is minus its bits per
    character, so that more is better there too."""
    seconds: float = 0.0
    """Budget as a time; 0: none. With neither `seconds` nor `steps`: 600."""
    steps: int = 0
    """Budget as training steps, summed over all trials; 0: none. With it the search is
    repeatable: broken and resumed it ends with the same ledger, with any number of workers."""
    seeds: int = 3
    """Fresh seeds of a frozen recipe that give a *typical* score; 0: none are trained."""
    width: int = 2
    """Slices between two decisions where the budget is in steps; not the number of workers, since
    the ledger must not depend on the machine."""
    workers: int = 0
    """Processes that train, one thread each; 0: one a core."""
    seed: int = 0
    """Draws the trials' seeds and recipes."""

    def __post_init__(self) -> None:
        check_choices(self)
        for family in self.families:
            if family not in (*FAMILIES, "hf"):
                raise SpecError(f"unknown family {family!r}" + nearest(family, FAMILIES))
        if not self.families or len(set(self.families)) < len(self.families):
            raise SpecError(f"families {self.families} must be one or more names, each once")
        if not 1 <= self.smallest <= self.largest:
            raise SpecError(
                f"smallest {self.smallest} must be at least 1 and at most largest {self.largest}"
            )
        if not 1 <= self.rungs <= 8:
            raise SpecError(f"rungs must be from 1 to 8 a doubling; got {self.rungs}")
        if not (0 < self.pass_mark <= 1 or -20 < self.pass_mark < 0):
            raise SpecError(
                "pass_mark must be between 0 and 1 (0.7 for 70 %), or minus the bits per character"
                f" of a text, fewer than 20; got {self.pass_mark:g}"
            )
        if self.seconds < 0 or self.steps < 0:
            raise SpecError(f"a budget must be 0 or more; got {self.seconds} s, {self.steps} steps")
        if self.seconds and self.steps:
            raise SpecError(
                f"a budget is a time or a number of steps; got {self.seconds:g} s and"
                f" {self.steps} steps: leave one out"
            )
        if not self.seconds and not self.steps:
            object.__setattr__(self, "seconds", 600.0)
        for name, least in (("seeds", 0), ("width", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise SpecError(f"{name} must be {least} or more; got {getattr(self, name)}")
        check_seed(self.seed)
