"""The live table of a search: it counts what the line under it and the report count."""

import re
from typing import Any

import pytest
from search_toys import NUM_STEPS, ToySpec, evidence

from lilliput.faces import find_live, found, text
from lilliput.search.result import Snapshot, summarise
from lilliput.search.trial import Point, Trial
from lilliput.specs.search import SearchSpec

SPEC = SearchSpec(families=("gpt",), smallest=100, largest=200, workers=1)


def trial(number: int, inner: dict[str, Any], score: float, done: bool = True) -> Trial:
    made = Trial(
        *(number, "gpt", 0, 100, inner, number, ToySpec("gpt", 100, number), 100, NUM_STEPS),
        purpose="search",
    )
    made.points.append(Point(NUM_STEPS, done, evidence(score), 0.5, 1.0))
    return made


@pytest.mark.parametrize("best", [0.6, 0.9])
def test_seeds_are_those_of_one_recipe_in_the_table_too(
    best: float, capsys: pytest.CaptureFixture[str]
) -> None:
    others = [trial(n, {"learning_rate": n / 1000}, 0.5) for n in range(4)]
    open_one = trial(4, {}, 0.4, done=False)
    trials = [*others, open_one, trial(5, {}, 0.3), trial(6, {}, best)]
    result = summarise(SPEC, trials, [], 0.0)
    (size,) = result.families[0].sizes
    seeds = f"{size.passed} of {size.tried}"
    assert seeds == f"{int(best > 0.7)} of 2"
    assert f"{seeds} seeds pass" in found.size_words(size)
    for over in (None, result):
        snapshot = Snapshot("training", SPEC, trials, frozenset(), 1.0, 1, (), over)
        text.console().print(find_live.size_table(snapshot))
        lines = capsys.readouterr().out.splitlines()
        header, _, row = (re.split(r" {2,}", line.strip()) for line in lines)
        told = dict(zip([name for name in header if name != "unseen"], row, strict=True))
        assert told["trials"] == "7"
        assert told["seeds pass"] == seeds


@pytest.mark.parametrize(
    ("score", "over", "state"),
    [(0.1, True, "fails totally"), (0.6, True, "undecided"), (0.6, False, "waiting")],
)
def test_nothing_waits_when_the_search_is_over(
    score: float, over: bool, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trials = [trial(0, {}, score, done=False), trial(1, {}, score, done=score < 0.2)]
    result = summarise(SPEC, trials, [], 0.2) if over else None
    snapshot = Snapshot("training", SPEC, trials, frozenset(), 1.0, 1, (), result)
    text.console().print(find_live.size_table(snapshot))
    assert state in capsys.readouterr().out
