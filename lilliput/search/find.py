"""The driver: trains what the plan asks for, records it, confirms, and shows where it stands.

With a budget in steps it decides only when all slices of a batch are back, and records them at one
moment, by trial number; so a search broken anywhere goes on as if it never was. With a budget in
time every worker gets its next slice at once. Prints nothing.
"""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from pathlib import Path
from typing import Any, Literal

from lilliput.errors import LilliputError, UserError
from lilliput.search import confirm
from lilliput.search.afford import seconds_of_a_step, steps_within
from lilliput.search.beginning import Begin, begin, known_first
from lilliput.search.files import export
from lilliput.search.job import Job, Progress
from lilliput.search.ladder import ladders
from lilliput.search.ledger import Ledger
from lilliput.search.plan import next_slice
from lilliput.search.pool import SerialExecutor, WorkerPool
from lilliput.search.result import Result, Snapshot, summarise
from lilliput.search.trial import Look, Trial
from lilliput.specs import from_dict, to_dict
from lilliput.specs.search import SearchSpec

TICK = 0.5
"""Seconds between snapshots while nothing comes back."""
RESERVE = 0.04
"""Part of a budget in time that is kept for confirmation."""
GIVE_UP = 3
"""Trials that may break one after another before the search does."""
SITTING = ("seconds", "steps", "workers")
"""Fields of the spec that may change when a search is gone on with."""


def find(
    spec: SearchSpec,
    job: Job,
    folder: Path | None,
    executor: Executor | None = None,
    began: float | None = None,
) -> Iterator[Snapshot]:
    """Searches, or goes on with the search in `folder`. The last snapshot has the result.

    Args:
        folder: where ledger and states go; None: in memory.
        executor: what calls the job's functions; None: a WorkerPool of `spec.workers`.
        began: time.monotonic() when the budget began to be spent; None: now.

    Raises:
        LedgerError: another search is in the folder, or at it; see Ledger.
        FileError: the disk is full; what was recorded is kept.
        LilliputError: trials broke one after another.
        UserError: a rung of the ladder has no model; nothing is written.
    """
    for family, sizes in ladders(spec, job.own_sizes).items():
        for size in (sizes[-1], sizes[0]):
            job.num_steps(job.propose_spec(family, size, {}, spec.seed))
    with Ledger(folder, _identity(spec, job), job.spec_type) as ledger:
        if job.cut_of:
            ledger.fill_in_cuts(job.cut_of)
        own = WorkerPool(spec.workers) if executor is None else None
        try:
            began = time.monotonic() if began is None else began
            sitting = _Sitting(spec, job, ledger, executor or own or SerialExecutor(), began)
            yield from sitting.search()
            if folder is not None:
                export(ledger, folder)
            yield sitting.snapshot("finished")
        finally:
            if own is not None:
                own.shutdown()


def read_result(folder: Path) -> Result:
    """What the ledger in `folder` adds up to now, while a search is at it or after.

    Trials' specs are left as JSON-ready dictionaries.
    """
    with Ledger(folder, write=False) as ledger:
        identity = dict(ledger.identity)
        floor = identity.pop("floor")
        identity.pop("key")
        spec = from_dict(SearchSpec, identity)
        return summarise(spec, ledger.trials, ledger.looks, floor, folder=folder)


def _identity(spec: SearchSpec, job: Job) -> dict[str, Any]:
    fields = {name: value for name, value in to_dict(spec).items() if name not in SITTING}
    return {**fields, "key": job.key, "floor": job.floor}


class _Sitting:
    """One process's time at a search."""

    def __init__(
        self, spec: SearchSpec, job: Job, ledger: Ledger, executor: Executor, began: float
    ) -> None:
        self.spec, self.job, self.ledger, self.executor = spec, job, ledger, executor
        self.began = began
        self.sizes = ladders(spec, job.own_sizes)
        self.running: dict[Future[Progress], Trial] = {}
        self.begun: list[Trial] = []
        """Chosen in this batch, not in the ledger yet."""
        self.errors = [_given_up(*broken) for broken in ledger.given_up.items()]
        self.errors += [_diverged(trial) for trial in ledger.trials if trial.diverged]
        self.num_broken = 0
        """Trials that broke since a slice last came back."""
        self.decided = False
        self.num_workers = getattr(executor, "num_workers", spec.workers or 1)

    def search(self) -> Iterator[Snapshot]:
        """Trains, confirms, and trains on where unseen said no, while the budget lasts."""
        if not self.ledger.trials and (known := known_first(self.job, self.sizes)):
            first, progress = known
            self.ledger.record([first], [(0, progress)])
            yield self.snapshot("training")
        # What an earlier sitting named, it may not have asked.
        yield from self._confirm()
        while True:
            yield from self._train()
            named = confirm.name_looks(
                self.spec, self.ledger.trials, self.ledger.looks, self.ledger.given_up.keys()
            )
            if not named:
                return
            self.ledger.name_looks(named)
            yield from self._confirm()

    def _train(self) -> Iterator[Snapshot]:
        """Slices until all is decided or the budget is spent."""
        while True:
            if self.spec.seconds:
                self._fill(self.num_workers)
                self._record([])
            elif not self.running:
                self._fill(self.spec.width)
            if not self.running:
                return
            back = self._back()
            if back:
                self._receive(back)
            yield self.snapshot("training")

    def _back(self) -> list[Future[Progress]]:
        """Slices that are back and may be recorded now."""
        done, rest = wait(self.running, TICK, FIRST_COMPLETED)
        if self.spec.steps and rest:
            done, rest = wait(self.running, TICK)
            if rest:
                return []
        return sorted(done, key=lambda future: self.running[future].number)

    def _fill(self, num_slices: int) -> None:
        too_dear: set[str] = set()
        while len(self.running) < num_slices:
            trials = [*self.ledger.trials, *self.begun]
            busy = {trial.number for trial in self.running.values()}
            wish = next_slice(
                self.spec,
                self.job.floor,
                trials,
                busy,
                self.ledger.looks,
                self.ledger.given_up.keys(),
                taught=self.job.taught,
                own_sizes=self.job.own_sizes,
                left_out=too_dear,
            )
            if wish is None:
                self.decided = not (self.running or too_dear)
                return
            trial = (
                begin(self.spec, self.job, wish, trials, self.sizes)
                if isinstance(wish, Begin)
                else wish
            )
            steps = self._affordable_steps(trial)
            if not steps:
                # Another family's slice may have room yet.
                too_dear.add(trial.family)
                continue
            if isinstance(wish, Begin):
                self.begun.append(trial)
            state = self.ledger.state(trial.number) if trial.step else None
            future = self.executor.submit(self.job.advance, trial.spec, state, steps)
            self.running[future] = trial

    def _affordable_steps(self, trial: Trial) -> int:
        """Steps of a trial's next slice; 0: the budget has no room for it."""
        if self.spec.steps:
            steps = trial.next_steps
            at_work = sum(other.next_steps for other in self.running.values())
            return steps if self._steps() + at_work + steps <= self.spec.steps else 0
        left = self.spec.seconds * (1 - RESERVE) - (time.monotonic() - self.began)
        a_step = seconds_of_a_step(trial, self.ledger.trials, self.job.own_sizes)
        return steps_within(left, trial, a_step)

    def _receive(self, back: list[Future[Progress]]) -> None:
        progress, given_up = [], {}
        for future in back:
            trial = self.running.pop(future)
            error = future.exception()
            if error is None:
                progress.append((trial.number, future.result()))
                self.num_broken = 0
            elif isinstance(error, UserError) or not isinstance(error, Exception):
                raise error
            else:
                given_up[trial.number] = what = f"{type(error).__name__}: {error}"
                self.num_broken += 1
        self._record(progress, given_up)
        self.errors += [_given_up(*broken) for broken in given_up.items()]
        trials = [self.ledger.trials[number] for number, _ in progress]
        self.errors += [_diverged(trial) for trial in trials if trial.diverged]
        if self.num_broken >= GIVE_UP:
            raise LilliputError(
                f"{self.num_broken} trials broke one after another, the last with {what}; what was"
                " recorded is kept"
            )

    def _record(
        self, progress: list[tuple[int, Progress]], given_up: Mapping[int, str] | None = None
    ) -> None:
        if self.begun or progress or given_up:
            self.ledger.record(self.begun, progress, given_up)
            self.begun = []

    def _confirm(self) -> Iterator[Snapshot]:
        """Asks unseen, one named run after another."""
        ledger = self.ledger
        while look := self._pending():
            yield self.snapshot("confirming")
            state = ledger.state(look.trial)
            assert state is not None
            spec = ledger.trials[look.trial].spec
            ledger.record_look(
                look, self.executor.submit(self.job.ask_unseen, spec, state, look.z).result()
            )

    def _pending(self) -> Look | None:
        if not self.ledger.looks:
            return None
        return confirm.next_look(self.spec, self.ledger.trials, self.ledger.looks)

    def _steps(self) -> int:
        return sum(trial.step for trial in self.ledger.trials)

    def snapshot(self, phase: Literal["training", "confirming", "finished"]) -> Snapshot:
        ledger = self.ledger
        result = None
        if phase == "finished":
            result = summarise(
                self.spec,
                ledger.trials,
                ledger.looks,
                self.job.floor,
                finished=self.decided,
                folder=ledger.folder,
            )
        return Snapshot(
            phase,
            self.spec,
            ledger.trials,
            frozenset(trial.number for trial in self.running.values()),
            time.monotonic() - self.began,
            self._steps(),
            tuple(self.errors),
            result,
        )


def _given_up(number: int, what: str) -> str:
    return f"trial {number} was given up: {what}"


def _diverged(trial: Trial) -> str:
    return f"trial {trial.number} diverged at step {trial.step}: it counts as failed"
