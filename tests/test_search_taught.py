"""A search with a teacher, or of cuts of a larger model: sizes are tried both ways, and what it
bought is worked out right."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from search_toys import (
    CUT_LOSS,
    LARGER,
    NUM_STEPS,
    TAUGHT_GAIN,
    ToySpec,
    cut_of,
    evidence,
    propose_cut,
    propose_taught,
    score,
    toy_job,
)
from test_search_find import exported

from lilliput.faces import bought
from lilliput.search.beginning import Begin, begin
from lilliput.search.confirm import name_looks
from lilliput.search.find import find, read_result
from lilliput.search.gains import Gain, Mean, gains
from lilliput.search.job import Evidence, Job, Range
from lilliput.search.ladder import ladders
from lilliput.search.ledger import Ledger
from lilliput.search.plan import next_slice
from lilliput.search.pool import SerialExecutor
from lilliput.search.result import Snapshot, summarise
from lilliput.search.trial import CUT_DOWN, Point, Trial
from lilliput.specs.search import SearchSpec

SMALL = SearchSpec(steps=10**6, smallest=1_000, largest=16_000, rungs=1)


def taught_job() -> Job:
    return replace(toy_job(), propose_spec=propose_taught, taught=True)


def cut_job() -> Job:
    return replace(toy_job(), propose_spec=propose_cut, cut_of=cut_of)


def last(spec: SearchSpec, job: Job, folder: Path | None = None) -> Snapshot:
    *_, snapshot = find(spec, job, folder, SerialExecutor())
    return snapshot


def test_every_size_is_tried_both_ways() -> None:
    snapshot = last(SMALL, taught_job())
    assert snapshot.result is not None
    assert snapshot.result.finished
    found = {gain.parameters: gain for gain in snapshot.result.gains}
    tried = {trial.parameters for trial in snapshot.trials}
    assert found.keys() == tried
    for gain in found.values():
        for pair in gain.pairs:
            ways = [t for t in snapshot.trials if t.parameters == gain.parameters
                    and t.seed == pair.seed]  # fmt: skip
            assert {trial.spec.taught for trial in ways} == {True, False}
            assert all(trial.step >= pair.step for trial in ways)
            wanted = [evidence(score(trial.spec, pair.step)).score for trial in ways]
            assert sorted(wanted) == sorted([pair.without.score, pair.having.score])
            assert pair.having.score == pytest.approx(TAUGHT_GAIN * pair.without.score, rel=0.02)
    # Fresh seeds of the answer have twins too.
    winner = snapshot.result.winner
    assert winner is not None
    fresh = [t for t in snapshot.trials if t.purpose == "typical" and t.rung == winner.rung]
    assert len(fresh) == 3
    seeds = {pair.seed for pair in found[winner.parameters].pairs}
    assert len(seeds & {trial.seed for trial in fresh}) == 3


def test_a_run_that_passed_is_left_and_its_twin_goes_as_far() -> None:
    snapshot = last(replace(SMALL, seeds=0), taught_job())
    early = [t for t in snapshot.trials if t.passes(0.7) and not t.done]
    assert early
    twins = [t for first in early for t in snapshot.trials if t.is_twin_of(first)]
    assert twins
    assert all(t.step >= min(f.step for f in early if t.is_twin_of(f)) for t in twins)


@pytest.mark.parametrize(("pieces", "job"), [(3, taught_job()), (7, taught_job()), (3, cut_job())])
def test_broken_and_resumed_is_unbroken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pieces: int, job: Job
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)
    spec = replace(SMALL, steps=4_000)
    whole = last(spec, job, tmp_path / "whole")
    assert any(trial.purpose == "compare" for trial in whole.trials)
    for _ in range(1_000):
        search = find(spec, job, tmp_path / "broken", SerialExecutor())
        phases = [snapshot.phase for snapshot, _ in zip(search, range(pieces), strict=False)]
        search.close()
        if "finished" in phases:
            break
    assert exported(tmp_path / "broken") == exported(tmp_path / "whole")
    assert read_result(tmp_path / "broken").gains == read_result(tmp_path / "whole").gains


def test_what_passes_is_trained_from_nothing_once_a_winner_is_confirmed() -> None:
    spec, confirming, trials = replace(SMALL, pass_mark=0.65), False, 0
    for snapshot in find(spec, cut_job(), None, SerialExecutor()):
        confirming |= snapshot.phase == "confirming"
        trials = trials if confirming else len(snapshot.trials)
        assert confirming or not any(trial.from_nothing for trial in snapshot.trials)
    result = snapshot.result
    assert result is not None
    assert result.finished
    (family,) = result.families
    passing = {size.parameters for size in family.sizes if size.passed and size.trial.cut}
    assert len(passing) > 1
    for twin in snapshot.trials[trials:]:
        assert twin.from_nothing
        assert (twin.purpose, twin.cut) == ("compare", None)
        (of,) = [t for t in snapshot.trials if twin.is_twin_of(t, CUT_DOWN)]
        assert twin.spec == replace(of.spec, cut_down=False)
        assert (twin.step, twin.num_steps) == (of.step, of.num_steps)
        assert of.cut == {"neurons": (LARGER, of.asked)}
    both = {gain.parameters: gain for gain in result.gains if gain.pairs}
    assert both.keys() == passing
    for gain in both.values():
        assert gain.without is not None
        assert gain.having is not None
        assert gain.having.score == pytest.approx(CUT_LOSS * gain.without.score, rel=0.02)
        assert gain.cut == {"neurons": (LARGER, gain.parameters + 1)}
    # Fresh seeds too, which nothing was chosen for.
    assert result.winner is not None
    fresh = {t.seed for t in snapshot.trials if t.purpose == "typical"}
    assert len(fresh & set(both[result.winner.parameters].seeds)) == 3
    # Tried one way: what does not pass. The model as it is has no other way.
    one_way = {gain.parameters for gain in result.gains if gain.alone}
    tried = {t.parameters for t in snapshot.trials if t.asked != LARGER}
    assert one_way == tried - passing


@pytest.mark.parametrize("seeds", [0, 3])
def test_what_was_trained_from_nothing_is_never_the_answer(tmp_path: Path, seeds: int) -> None:
    """Though it is better: with it the search finds what it finds without it."""
    spec = replace(SMALL, pass_mark=0.65, seeds=seeds)
    plain = last(spec, replace(cut_job(), cut_of=None))
    snapshot = last(spec, cut_job(), tmp_path)
    assert snapshot.result is not None
    assert plain.result is not None
    twins = [trial for trial in snapshot.trials if trial.from_nothing]
    assert any(twin.passes(spec.pass_mark) for twin in twins)
    sizes = [
        [(s.trial.number, s.passed, s.tried, s.confirmed, s.typical) for s in family.sizes]
        for result in (snapshot.result, plain.result)
        for family in result.families
    ]
    assert sizes[0] == sizes[1]
    with Ledger(tmp_path, spec_type=ToySpec, write=False) as ledger:
        assert not {look.trial for look in ledger.looks} & {twin.number for twin in twins}
        assert [trial.cut for trial in ledger.trials] == [trial.cut for trial in snapshot.trials]
    # Alone with its twin, it is neither the best, nor asked, nor what the next trial is like.
    twin = next(twin for twin in twins if twin.passes(spec.pass_mark))
    (of,) = [trial for trial in snapshot.trials if twin.is_twin_of(trial, CUT_DOWN)]
    failed = replace(of, number=0, points=of.points[:1])
    lonely = replace(twin, number=1, inner={**twin.inner, "rate": 0.5})
    alone = replace(snapshot, trials=[failed, lonely])
    assert alone.best is None
    assert name_looks(spec, alone.trials, [], frozenset()) == []
    ((size,),) = (family.sizes for family in summarise(spec, alone.trials, [], 0.0).families)
    assert (size.trial, size.passed) == (failed, 0)
    top = Begin("gpt", len(ladders(spec, {})["gpt"]) - 1, "search")
    assert next_slice(spec, 0.03, alone.trials, frozenset(), [], frozenset()) == top
    job = replace(cut_job(), space={"rate": Range(0.1, 1.0)})
    wish = Begin("gpt", twin.rung + 1, "search")
    assert begin(spec, job, wish, alone.trials, ladders(spec, {})).inner == {}
    assert begin(spec, job, wish, [replace(lonely, inner={"rate": 0.5})], ladders(spec, {})).inner
    # A budget that ends with the confirmation leaves it out; a larger one goes on to it.
    some = sum(trial.step for trial in plain.trials)
    ended = last(replace(spec, steps=some), cut_job(), tmp_path / "short")
    assert not any(trial.from_nothing for trial in ended.trials)
    assert last(spec, cut_job(), tmp_path / "short").trials == snapshot.trials


def test_a_search_begun_before_cuts_were_recorded_goes_on_the_same(tmp_path: Path) -> None:
    spec = replace(SMALL, steps=2_500)
    last(spec, cut_job(), tmp_path / "whole")
    search = find(spec, cut_job(), tmp_path / "old", SerialExecutor())
    assert len([snapshot for snapshot, _ in zip(search, range(9), strict=False)]) == 9
    search.close()
    with Ledger(tmp_path / "old", spec_type=ToySpec) as ledger:
        ledger._db.execute("ALTER TABLE trials DROP COLUMN cut")
        ledger._db.execute("PRAGMA user_version = 2")
    assert read_result(tmp_path / "old").gains == ()
    last(spec, cut_job(), tmp_path / "old")
    assert exported(tmp_path / "old") == exported(tmp_path / "whole")
    assert read_result(tmp_path / "old").gains


def trial(number: int, seed: int, taught: bool, *scores: Evidence) -> Trial:
    made = Trial(number, "gpt", 0, 1_000, {"taught": taught, "rate": 0.1}, seed, None, 990,
                 NUM_STEPS, "search")  # fmt: skip
    for place, seen in enumerate(scores, start=1):
        step = 40 * place
        made.points.append(Point(step, step == NUM_STEPS, seen, 0.5, 0.0))
    return made


def difference(gain: Gain) -> Mean:
    assert gain.difference is not None
    return gain.difference


def seen(right: int, low: float, high: float, total: int = 1_000) -> Evidence:
    return Evidence(right, total, low, high)


def test_the_interval_by_hand() -> None:
    spec = SearchSpec(steps=1)
    half = 1.959964 * 0.01
    a, b = seen(700, 0.7 - half, 0.7 + half), seen(730, 0.73 - half, 0.73 + half)
    (gain,) = gains(spec, [trial(0, 5, True, a, b), trial(1, 5, False, a)])
    assert (gain.step, difference(gain).score) == (40, 0.0), "the latest step that both have"
    (gain,) = gains(spec, [trial(0, 5, True, b, b), trial(1, 5, False, a, a)])
    assert difference(gain).interval == pytest.approx(
        (0.03 - math.sqrt(2) * half, 0.03 + math.sqrt(2) * half)
    )
    assert gain.verdict == 1
    # Two seeds: Student's t with one degree of freedom, twelve times their standard error.
    c = seen(750, 0.75 - half, 0.75 + half)
    pairs = [
        trial(0, 5, True, b),
        trial(1, 5, False, a),
        trial(2, 6, False, a),
        trial(3, 6, True, c),
    ]
    (gain,) = gains(spec, pairs)
    assert difference(gain).score == pytest.approx(0.04)
    assert difference(gain).interval == pytest.approx(
        (0.04 - 12.7062 * 0.01, 0.04 + 12.7062 * 0.01), rel=1e-4
    )
    assert gain.verdict == 0
    # Of another seed or another recipe there is no pair; what went further counts alone.
    other = replace(trial(4, 5, False, a), inner={"taught": False, "rate": 0.2})
    (gain,) = gains(spec, [pairs[0], pairs[2], other])
    assert (gain.pairs, gain.difference, gain.verdict) == ((), None, 0)
    (gain,) = gains(spec, [*pairs, trial(5, 7, True, a, c), trial(6, 7, False, a, b)])
    assert [pair.seed for pair in gain.pairs] == [7]
    # One seed, all problems asked: a difference, and no interval.
    whole = [
        trial(0, 5, True, seen(90, 0.9, 0.9, 100)),
        trial(1, 5, False, seen(80, 0.8, 0.8, 100)),
    ]
    (gain,) = gains(spec, whole)
    assert difference(gain).interval is None
    assert bought.difference_words(gain) == "+10.0 points"
    assert bought.sentence([gain]).startswith("1 size of one seed, asked all problems, cannot be")
    judged = replace(gain, pairs=gain.pairs * 2)
    assert bought.sentence([gain, judged]).startswith(
        "The teacher raised the score at 1 of 1 size and lowered it at 0. 1 size of one seed"
    )


def test_fewer_bits_are_a_gain() -> None:
    half = 1.959964 * 0.01
    less, more = seen(-1_900, -1.9 - half, -1.9 + half), seen(-2_000, -2 - half, -2 + half)
    (gain,) = gains(SearchSpec(steps=1), [trial(0, 5, True, less), trial(1, 5, False, more)])
    assert gain.verdict == 1
    assert bought.difference_words(gain) == "-0.100 bits [-0.128, -0.072]"
    table = bought.lines([gain])
    assert "2.000 bits   1.900 bits   -0.100 bits [" in table[3]
    assert (
        table[-1]
        .strip()
        .startswith("The teacher raised the score at 1 of 1 size and lowered it at 0")
    )


def test_a_size_left_early_is_told_from_one_that_failed() -> None:
    low, high = seen(100, 0.09, 0.11), seen(800, 0.78, 0.82)
    small = trial(0, 1, True, high)
    for scores, early in (([low], True), ([low] * 4, False), ([high], False)):
        big = replace(trial(1, 2, True, *scores), rung=1)
        (family,) = summarise(SearchSpec(steps=1), [small, big], [], 0.0).families
        assert [family.left_early(size) for size in family.sizes] == [False, early]
    (family,) = summarise(SearchSpec(steps=1), [replace(big, points=[])], [], 0.0).families
    assert family.sizes == ()
