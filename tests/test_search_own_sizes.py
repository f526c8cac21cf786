"""A family with few sizes of its own, and a baseline that was trained before the search."""

from dataclasses import replace

from search_toys import NUM_STEPS, ToySpec, advance, propose_taught, toy_job

from lilliput.search.find import find
from lilliput.search.job import Job, Known, Progress
from lilliput.search.pool import SerialExecutor
from lilliput.search.result import Snapshot
from lilliput.specs.search import SearchSpec

SIZES = (10, 6_000, 12_000, 40_000)
SPEC = SearchSpec(families=("hf", "gpt"), smallest=1_000, largest=16_000, rungs=1, steps=10**6)


def known() -> Known:
    spec = ToySpec("hf", SIZES[-1], 0)
    made: Progress = advance(None, 0.0, spec, None, NUM_STEPS)
    return Known("hf", 0, spec, replace(made, seconds=1e6))


def job(*, taught: bool = False, sizes: tuple[int, ...] = SIZES) -> Job:
    made = replace(toy_job(), own_sizes={"hf": sizes}, known=known, floor=0.03)
    return replace(made, propose_spec=propose_taught, taught=True) if taught else made


def last(spec: SearchSpec, made: Job) -> Snapshot:
    *_, snapshot = find(spec, made, None, SerialExecutor())
    return snapshot


def test_each_size_is_trained_once_and_whole() -> None:
    snapshot = last(replace(SPEC, seeds=0), job())
    theirs = [trial for trial in snapshot.trials if trial.family == "hf"]
    assert [(t.asked, t.purpose) for t in theirs] == [
        (40_000, "baseline"),
        (12_000, "search"),
        (6_000, "search"),
        (10, "search"),
    ]
    assert all(trial.step == NUM_STEPS for trial in theirs)
    assert theirs[0].number == 0
    result = snapshot.result
    assert result is not None
    assert result.finished
    assert result.baseline is not None
    assert result.baseline.parameters == 39_999
    hf, gpt = result.families
    assert hf.smallest_confirmed is not None
    assert hf.smallest_confirmed.asked == 6_000
    assert gpt.smallest_confirmed is not None
    assert result.winner is gpt.smallest_confirmed


def test_below_total_failure_nothing_is_trained() -> None:
    """Where a constant answer would do as well as the baseline, no student is tried."""
    for floor, number in ((0.03, 4), (0.99, 1)):
        snapshot = last(replace(SPEC, seeds=0), replace(job(), floor=floor))
        assert sum(trial.family == "hf" for trial in snapshot.trials) == number


def test_students_are_taught_and_the_baseline_is_not() -> None:
    snapshot = last(SPEC, job(taught=True))
    theirs = [trial for trial in snapshot.trials if trial.family == "hf"]
    for size in SIZES[:-1]:
        ways = [trial.taught for trial in theirs if trial.asked == size]
        assert set(ways) == {True, False}
    assert [t.purpose for t in theirs if t.asked == SIZES[-1]] == ["baseline"]
    assert snapshot.result is not None
    assert {gain.family for gain in snapshot.result.gains} == {"hf", "gpt"}
    # It was paid for before: it does not keep its family waiting.
    first = [trial.family for trial in snapshot.trials[1:5]]
    assert "hf" in first


def test_a_slow_baseline_does_not_make_small_models_look_slow() -> None:
    snapshot = last(replace(SPEC, steps=0, seconds=1.0), job())
    assert any(trial.step for trial in snapshot.trials if trial.family == "gpt")
