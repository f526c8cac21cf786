"""Laws of failure: one broken or diverged training ends no search, and is not forgotten."""

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from search_toys import advance_or_break, advance_or_diverge, toy_job
from test_search_find import SMALL, STEPS, exported, last, result_of

from lilliput.errors import LilliputError, SpecError
from lilliput.search.find import find
from lilliput.search.job import Job, Progress
from lilliput.search.pool import SerialExecutor
from lilliput.specs.search import SearchSpec


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here loses power, so nothing needs to reach the disk itself."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def test_broken_trial_is_given_up_and_the_search_goes_on() -> None:
    job = toy_job()

    def advance(spec: object, state: bytes | None, steps: int) -> Progress:
        if getattr(spec, "seed", 0) == 1:
            raise FloatingPointError("loss is nan")
        return job.advance(spec, state, steps)

    broken = Job(**{**vars(job), "advance": advance})
    snapshot = last(SearchSpec(steps=10**5, **SMALL), broken)
    assert snapshot.errors == ("trial 1 was given up: FloatingPointError: loss is nan",)
    assert snapshot.result is not None
    assert snapshot.result.winner is not None


def test_search_that_always_breaks_ends() -> None:
    def advance(spec: object, state: bytes | None, steps: int) -> Progress:
        raise MemoryError("no room")

    spec = SearchSpec(steps=10**5, width=3, **SMALL)
    with pytest.raises(
        LilliputError, match=r"3 trials broke .* the last with MemoryError: no room"
    ):
        last(spec, replace(toy_job(), advance=advance))


def test_failures_far_apart_do_not_end_a_search() -> None:
    job = replace(toy_job(), advance=partial(advance_or_break, frozenset({0, 2, 4, 5, 6})))
    snapshot = last(SearchSpec(steps=10**6, **SMALL), job)
    assert len(snapshot.errors) > 3
    assert snapshot.result is not None
    assert snapshot.result.winner is not None


@pytest.mark.usefixtures("quick_disk")
@pytest.mark.parametrize("advance", [advance_or_break, advance_or_diverge])
def test_a_resumed_search_knows_what_went_wrong(
    tmp_path: Path, advance: Callable[..., Progress]
) -> None:
    job = replace(toy_job(), advance=partial(advance, frozenset({0, 2, 5})))
    spec = SearchSpec(steps=STEPS, **SMALL)
    result_of(spec, job, tmp_path / "whole")
    for _ in range(1_000):
        search = find(spec, job, tmp_path / "broken", SerialExecutor())
        snapshots = [snapshot for snapshot, _ in zip(search, range(5), strict=False)]
        search.close()
        if snapshots[-1].phase == "finished":
            break
    assert len(snapshots[-1].errors) == 3
    assert exported(tmp_path / "broken") == exported(tmp_path / "whole")


def test_a_diverged_training_says_nothing_of_its_size() -> None:
    seeds = frozenset(range(100))
    job = replace(toy_job(), advance=partial(advance_or_diverge, seeds))
    snapshot = last(SearchSpec(steps=10**5, **SMALL), job)
    assert snapshot.errors[0].startswith("trial 0 diverged at step 80")
    assert snapshot.result is not None
    assert snapshot.result.winner is None
    assert snapshot.result.families[0].fails_totally is None


@pytest.mark.parametrize("impossible", [1_000, 16_000])
def test_an_impossible_rung_is_refused_before_the_folder_is_taken(
    tmp_path: Path, impossible: int
) -> None:
    def propose_spec(family: str, size: int, inner: object, seed: int) -> object:
        if size == impossible:
            raise SpecError("layers must be 1 or more; got 0")
        return toy_job().propose_spec(family, size, {}, seed)

    bad = replace(toy_job(), key="bad", propose_spec=propose_spec)
    spec = SearchSpec(steps=100, **SMALL)
    with pytest.raises(SpecError, match="layers"):
        last(spec, bad, tmp_path / "search")
    assert result_of(spec, toy_job(), tmp_path / "search").steps
