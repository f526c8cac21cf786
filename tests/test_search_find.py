"""Laws of the driver: broken and resumed is unbroken, a death costs a slice, answers are right."""

import json
import os
import random
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from search_toys import MARK_SIZE, NUM_STEPS, kill_soon, started, toy_job

from lilliput.errors import LilliputError
from lilliput.search.afford import steps_within
from lilliput.search.beginning import Begin, begin
from lilliput.search.files import export
from lilliput.search.find import find, read_result
from lilliput.search.job import Job, Progress
from lilliput.search.ladder import ladders
from lilliput.search.ledger import Ledger
from lilliput.search.pool import SerialExecutor, WorkerPool
from lilliput.search.result import Result, Snapshot
from lilliput.search.trial import Trial
from lilliput.specs.search import SearchSpec

SMALL = {"smallest": 1_000, "largest": 16_000, "rungs": 1}
STEPS = 2_500
"""Enough for a first confirmation on the small ladder."""
DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from search_toys import toy_job
from lilliput.search.find import find
from lilliput.specs.search import SearchSpec

if __name__ == "__main__":
    spec = SearchSpec(steps={steps}, workers={workers}, smallest=1_000, largest=16_000, rungs=1)
    for snapshot in find(spec, toy_job(Path({logs!r}), {pause}), Path({folder!r})):
        print(snapshot.phase, snapshot.steps, flush=True)
"""


def last(spec: SearchSpec, job: Job, folder: Path | None = None) -> Snapshot:
    *_, snapshot = find(spec, job, folder, SerialExecutor())
    return snapshot


def result_of(spec: SearchSpec, job: Job, folder: Path | None = None) -> Result:
    result = last(spec, job, folder).result
    assert result is not None
    return result


def exported(folder: Path) -> str:
    with Ledger(folder, write=False) as ledger:
        assert all(trial.step for trial in ledger.trials)
        return export(ledger, folder, times=False)[-1].read_text()


def test_the_whole_answer() -> None:
    result = result_of(SearchSpec(steps=10**6, **SMALL), toy_job())
    winner = result.winner
    assert winner is not None
    assert result.finished
    assert (winner.asked, winner.parameters) == (MARK_SIZE, MARK_SIZE - 1)
    assert winner.unseen is not None
    assert winner.unseen.low >= 0.7
    assert winner.typical is not None
    assert len(winner.typical_scores) == 3
    assert winner.passed < winner.tried
    # Every size below was tried, down to the bottom.
    (family,) = result.families
    assert [size.asked for size in family.sizes[:3]] == [1_000, 2_000, 4_000]
    assert family.smallest_passing is winner


def test_total_failure_is_found() -> None:
    (family,) = result_of(
        SearchSpec(steps=10**6, smallest=250, largest=16_000, rungs=1), toy_job()
    ).families
    assert family.fails_totally is None or family.fails_totally.validation.low <= 0.03


def test_each_family_has_its_answer() -> None:
    result = result_of(SearchSpec(steps=10**6, families=("gpt", "gru"), **SMALL), toy_job())
    assert [f.smallest_confirmed and f.smallest_confirmed.asked for f in result.families] == [
        MARK_SIZE,
        MARK_SIZE,
    ]


def test_nothing_passes_and_says_so() -> None:
    result = result_of(SearchSpec(steps=10**5, pass_mark=1.0, **SMALL), toy_job())
    assert result.winner is None
    assert result.families[0].smallest_passing is None


@pytest.mark.parametrize("steps", [1, 50, 333, 2_000])
def test_budget_in_steps_is_kept(steps: int) -> None:
    result = result_of(SearchSpec(steps=steps, **SMALL), toy_job())
    assert result.steps <= steps
    assert not result.finished


def test_budget_in_time_is_kept() -> None:
    began = time.monotonic()
    job = toy_job(pause=0.02)
    result = result_of(SearchSpec(seconds=1.0, **SMALL), job)
    assert time.monotonic() - began < 3
    assert result.steps > 0


@pytest.mark.parametrize("budget", [{"seconds": 60.0}, {"steps": 3_000}])
def test_the_first_slice_of_a_budget_in_time_is_short(budget: dict[str, float]) -> None:
    """Of a training that is far too long for the time, little is trained."""
    asked = []
    job = toy_job()

    def advance(spec: object, state: bytes | None, steps: int) -> Progress:
        asked.append(steps)
        return replace(job.advance(spec, state, steps), seconds=10.0 * steps)

    spec = SearchSpec(**budget, **SMALL)  # type: ignore[arg-type]
    last(spec, replace(job, advance=advance, num_steps=lambda _: 1_600))
    assert asked[0] == (6 if "seconds" in budget else 100)
    assert sum(asked) <= (12 if "seconds" in budget else 3_000)


def test_of_a_slice_that_does_not_fit_as_much_is_trained_as_does() -> None:
    trial = begun(replace(toy_job(), num_steps=lambda _: 16_000))
    assert steps_within(60.0, trial, None) == 20
    assert steps_within(60.0, trial, 0.1) == 600
    assert steps_within(101.0, trial, 0.1) == 1_000
    assert steps_within(1.9, trial, 0.1) == 0
    assert steps_within(0.0, trial, None) == 0


def begun(job: Job) -> Trial:
    spec = SearchSpec(steps=10, **SMALL)
    return begin(spec, job, Begin("gpt", 0, "search"), [], ladders(spec, {}))


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here loses power, so nothing needs to reach the disk itself."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.mark.usefixtures("quick_disk")
def test_broken_and_resumed_is_unbroken(tmp_path: Path) -> None:
    """Broken in this process at every kind of moment: the generator is closed between batches."""
    spec = SearchSpec(steps=STEPS, **SMALL)
    result_of(spec, toy_job(), tmp_path / "whole")
    whole = exported(tmp_path / "whole")
    assert '"round": 1' in whole
    for pieces in (5, 11):
        folder = tmp_path / f"broken{pieces}"
        for _ in range(1_000):
            search = find(spec, toy_job(), folder, SerialExecutor())
            phases = [snapshot.phase for snapshot, _ in zip(search, range(pieces), strict=False)]
            search.close()
            if "finished" in phases:
                break
        assert exported(folder) == whole


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_at_ten_random_instants(tmp_path: Path, workers: int) -> None:
    """kill -9 of the driver; then the ledger is that of an unbroken search, and nothing is lost."""
    steps = STEPS
    result_of(SearchSpec(steps=steps, **SMALL), toy_job(), tmp_path / "whole")
    folder, script = tmp_path / "broken", tmp_path / "driver.py"
    script.write_text(
        DRIVER.format(
            tests=str(Path(__file__).parent),
            steps=steps,
            workers=workers,
            logs=str(tmp_path),
            pause=0.01,
            folder=str(folder),
        )
    )
    chance, seen = random.Random(workers), 0
    for _ in range(10 // 2):
        driver = started(script)
        assert driver.stdout is not None
        # Begun for sure.
        driver.stdout.readline()
        kill_soon(driver, chance)
        result = read_result(folder)
        assert result.steps >= seen
        seen = result.steps
    driver = started(script)
    driver.communicate(timeout=60)
    assert driver.returncode == 0
    assert exported(folder) == exported(tmp_path / "whole")
    # No worker outlives its driver.
    pids = {int(line.split()[0]) for line in (tmp_path / "calls").read_text().splitlines()}
    wait_for_end(pids)


def test_ctrl_c_leaves_a_good_ledger_and_no_worker(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    places = {"tests": str(Path(__file__).parent), "logs": str(tmp_path), "folder": str(tmp_path)}
    script.write_text(DRIVER.format(steps=10**6, workers=2, pause=0.05, **places))
    # As at a terminal, whose Ctrl-C comes to the driver and to its workers.
    driver = started(script, stderr=subprocess.PIPE, start_new_session=True)
    assert driver.stdout is not None
    # A line a snapshot; on a busy machine the first ones come before anything is recorded.
    while driver.stdout.readline() and not read_result(tmp_path).num_trials:
        pass
    os.killpg(driver.pid, signal.SIGINT)
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode != 0
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert read_result(tmp_path).num_trials > 0
    pids = {int(line.split()[0]) for line in (tmp_path / "calls").read_text().splitlines()}
    assert pids
    wait_for_end(pids)


def wait_for_end(pids: set[int]) -> None:
    for _ in range(100):
        if not any(is_alive(pid) for pid in pids):
            return
        time.sleep(0.1)
    raise AssertionError(f"workers still alive: {[pid for pid in pids if is_alive(pid)]}")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[:1]


@pytest.mark.usefixtures("quick_disk")
def test_killed_worker_costs_one_slice(tmp_path: Path) -> None:
    spec = SearchSpec(steps=600, **SMALL)
    result_of(spec, toy_job(), tmp_path / "whole")
    (tmp_path / "kill").touch()
    with WorkerPool(2) as pool:
        *_, snapshot = find(spec, toy_job(tmp_path, 0.01), tmp_path / "search", pool)
    assert not (tmp_path / "kill").exists()
    assert snapshot.errors == ()
    assert exported(tmp_path / "search") == exported(tmp_path / "whole")
    # Every slice came back exactly once: the one that died is sent again, its neighbour is not.
    calls = [line.split()[1:] for line in (tmp_path / "calls").read_text().splitlines()]
    assert len(calls) == len({tuple(call) for call in calls})


def test_worker_that_always_dies_is_given_up() -> None:
    with WorkerPool(1) as pool, pytest.raises(LilliputError, match="died 3 times"):
        pool.submit(die).result(timeout=60)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.usefixtures("quick_disk")
def test_more_budget_goes_on(tmp_path: Path) -> None:
    first = result_of(SearchSpec(steps=500, **SMALL), toy_job(), tmp_path)
    second = result_of(SearchSpec(steps=10**6, **SMALL), toy_job(), tmp_path)
    assert first.steps < second.steps
    assert second.finished
    assert read_result(tmp_path).winner is not None
    rows = json.loads((tmp_path / "ledger.json").read_text())["slices"]
    assert len(rows) == len({(row["trial"], row["step"]) for row in rows})
    assert max(row["step"] for row in rows) == NUM_STEPS
