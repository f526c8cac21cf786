"""What to train next: a pure function of the trials so far. Knows no workers, clock or ledger.

Each family has a noisy, mostly monotone threshold on the ladder. First the largest rung, which
surely passes; then bisection, where a rung fails for now when it is likely enough that one of its
seeds would have passed; then certainty: the best run at the smallest passing rung trains on until
it will be confirmed, the rung below gets all the seeds that it takes to rule it out, and the rung
above stands by if the best run stays too near the mark. Rungs further down get one whole training
an octave, to total failure. Last come fresh seeds of frozen recipes. Where there is a teacher, each
size's first run and every fresh seed gets a twin, which differs by the teacher alone; where a model
is cut down, passing sizes get twins from nothing at the end. Few own sizes are each trained once.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from types import MappingProxyType

from lilliput.search.beginning import Begin
from lilliput.search.confirm import refuted, z_of_round
from lilliput.search.halving import Halving
from lilliput.search.ladder import chance_of_confirming, doubt, ladders
from lilliput.search.trial import CUT_DOWN, Look, Trial
from lilliput.specs.search import SearchSpec

LOOSE, STRICT = 0.12, 0.005
"""Doubt at which bisection moves on, and at which the rung below the answer is ruled out."""
SOLID = 0.97
"""Chance of being confirmed above which a run needs no better one."""

_NO_RECIPE = ("typical", "baseline", "given")
"""Purposes of trials whose recipe fresh seeds do not take."""
Wish = Trial | Begin


def next_slice(
    spec: SearchSpec,
    floor: float,
    trials: Sequence[Trial],
    running: Set[int],
    looks: Sequence[Look],
    given_up: Set[int],
    *,
    taught: bool = False,
    own_sizes: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
    left_out: Set[str] = frozenset(),
) -> Wish | None:
    """The most useful slice now: a trial to go on with, or one to begin; None: all is decided,
    or hangs on slices that are running.

    Args:
        floor: score of the best constant answer.
        running: numbers of trials whose slice is not back yet.
        looks: a trial that unseen said no to does not pass; one that was asked is left as it is.
        given_up: trials that broke.
        taught, own_sizes: as the job has them.
        left_out: families that get none.
    """
    plans = [
        _Plan(spec, floor, family, trials, running, looks, given_up, taught, own_sizes)
        for family in spec.families
        if family not in left_out
    ]
    # Families take turns by what was spent on them.
    plans.sort(key=lambda plan: plan.spent)
    return next((wish for plan in plans for wish in plan.wishes()), None)


class _Plan:
    def __init__(
        self,
        spec: SearchSpec,
        floor: float,
        family: str,
        trials: Sequence[Trial],
        running: Set[int],
        looks: Sequence[Look],
        given_up: Set[int],
        taught: bool,
        own_sizes: Mapping[str, tuple[int, ...]],
    ) -> None:
        self.taught, self.few = taught, family in own_sizes
        self.octave = 1 if self.few else spec.rungs
        self.spec, self.floor, self.family, self.running = spec, floor, family, running
        asked = {look.trial for look in looks if look.unseen is not None}
        self.refuted = refuted(looks, spec.pass_mark) | given_up
        self.confirmed = asked - self.refuted
        # A run that unseen was asked about stays as it was then.
        self.frozen = asked | given_up
        self.z = z_of_round(spec, looks[-1].round + 1 if looks else 1)
        sizes = ladders(spec, own_sizes)[family]
        self.rungs: list[list[Trial]] = [[] for _ in sizes]
        self.from_nothing: list[Trial] = []
        self.spent = 0
        self.passing: set[int] = set()
        self.ended = self.frozen | {trial.number for trial in trials if trial.done}
        for trial in trials:
            if trial.family == family:
                if trial.from_nothing:
                    self.from_nothing.append(trial)
                    continue
                passes = trial.passes(spec.pass_mark) and trial.number not in self.refuted
                if trial.given and not passes:
                    continue  # it says nothing of what training does
                self.rungs[trial.rung].append(trial)
                # A running slice counts as spent, or a family would take all workers at once.
                ahead = trial.next_steps if trial.number in running else 0
                if trial.purpose != "baseline":
                    self.spent += (trial.step + ahead) * trial.parameters
                if passes:
                    self.passing.add(trial.number)
        self.top = len(self.rungs) - 1
        self._above: tuple[int, int] | None = None
        self._halving = Halving(self.rungs)
        passing = (k for k, rung in enumerate(self.rungs) if any(map(self._passes, rung)))
        self.smallest = next(passing, None)

    def wishes(self) -> Iterator[Wish]:
        """What is worth doing, best first."""
        aim = list(self._aim())
        scan = [*self._compare(), *self._scan()]
        ready = [wish for wish in aim if self._is_ready(wish)]
        if len(ready) == len(aim):
            yield from ready[:1]
        yield from scan[:1]
        yield from ready
        yield from scan
        if not aim:
            yield from self._typical()
            yield from self._from_nothing()

    def _is_ready(self, wish: Wish) -> bool:
        return isinstance(wish, Begin) or wish.number not in self.running

    def _passes(self, trial: Trial) -> bool:
        return trial.number in self.passing

    def _ended(self, trial: Trial) -> bool:
        return trial.number in self.ended

    def _aim(self) -> Iterator[Wish]:
        """What decides the smallest passing rung, running slices included."""
        if self.few:
            yield from self._each()
            return
        if self.smallest is None:
            yield from self._pursue(self.top, STRICT)
            return
        below = range(self.smallest - 1, -1, -1)
        failed = next((rung for rung in below if self._fails(rung, LOOSE)), -1)
        if self.smallest - failed > 1:
            yield from self._pursue((self.smallest + failed) // 2, LOOSE)
            return
        yield from self._settle()
        if self.smallest:
            yield from self._pursue(self.smallest - 1, STRICT)

    def _pursue(self, rung: int, limit: float) -> Iterator[Wish]:
        """Trials of a rung, and new ones, until one passes or doubt is within the limit."""
        if any(map(self._passes, self.rungs[rung])) or self._fails(rung, limit):
            return
        yield from (trial for trial in self.rungs[rung] if not self._is_closed(trial))
        if alone := self._alone(rung):
            yield Begin(self.family, rung, "search", twin_of=alone)
        elif self._doubt(len(self._seeds(self.rungs[rung]))) > limit:
            yield Begin(self.family, rung, "search")

    def _each(self) -> Iterator[Wish]:
        """Every size once, from the largest to total failure."""
        for rung in range(self.top, -1, -1):
            here = [trial for trial in self.rungs[rung] if trial.purpose != "compare"]
            if not here:
                yield Begin(self.family, rung, "search")
                return
            yield from (trial for trial in here if not self._ended(trial))
            if any(self._is_lost(trial) for trial in here):
                return

    def _is_lost(self, trial: Trial) -> bool:
        """Trained whole, and not shown to be better than the best constant answer."""
        over = trial.done and not trial.diverged
        return over and trial.points[-1].validation.low <= self.floor

    def _seeds(self, trials: Sequence[Trial]) -> list[list[Trial]]:
        """Trials of one size and seed together where there is a teacher, else each by itself."""
        groups: dict[tuple[int, int], list[Trial]] = {}
        for t in trials:
            groups.setdefault((t.rung, t.seed if self.taught else t.number), []).append(t)
        return list(groups.values())

    def _twin(self, trial: Trial) -> Trial | None:
        return next((t for t in self.rungs[trial.rung] if t.is_twin_of(trial)), None)

    def _alone(self, rung: int) -> Trial | None:
        """The first trial of a rung without its twin; None: there is no teacher, or none."""
        here = self.rungs[rung] if self.taught else []
        return next((t for t in here if t.purpose == "search" and not self._twin(t)), None)

    def _compare(self) -> Iterator[Wish]:
        """Twins of each decided size's first run and of fresh seeds, trained as far as those; where
        nothing passes, to the end."""
        for here in self.rungs if self.taught else []:
            own = [trial for trial in here if trial.purpose in ("search", "scan")][:1]
            for trial in own + [t for t in here if t.purpose == "typical"]:
                decided = self.smallest is not None and trial.rung >= self.smallest
                if not (decided or self._is_closed(trial)):
                    continue
                twin = self._twin(trial)
                if twin is None:
                    yield Begin(self.family, trial.rung, "compare", twin_of=trial)
                    continue
                behind = [twin] if twin.step < trial.step else []
                if not decided:
                    behind.append(trial)
                yield from (t for t in behind if not self._ended(t) and self._is_ready(t))

    def _doubt(self, num_failed: int) -> float:
        """Doubt about a rung below all passing ones where so many seeds failed."""
        if self._above is None:
            rungs = () if self.smallest is None else self.rungs[self.smallest :]
            known = self._seeds([trial for rung in rungs for trial in rung if trial.points])
            passed = sum(any(map(self._passes, seed)) for seed in known)
            closed = sum(any(map(self._passes, s)) or all(map(self._is_closed, s)) for s in known)
            self._above = (passed, closed - passed)
        return doubt(num_failed, *self._above)

    def _fails(self, rung: int, limit: float) -> bool:
        here = self.rungs[rung]
        if not here or self._alone(rung) or self._doubt(len(self._seeds(here))) > limit:
            return False
        return all(t.number not in self.running and self._is_closed(t) for t in here)

    def _is_closed(self, trial: Trial) -> bool:
        return self._ended(trial) or self._halving.sets_aside(trial)

    def _settle(self) -> Iterator[Wish]:
        """Trains the best run at the smallest passing rung on, until it will be confirmed."""
        assert self.smallest is not None
        passing = [trial for trial in self.rungs[self.smallest] if self._passes(trial)]
        if any(trial.number in self.confirmed for trial in passing):
            return
        best = max(passing, key=lambda trial: trial.points[-1].validation.low)
        chance = chance_of_confirming(best.points[-1].validation, self.spec.pass_mark, self.z)
        if chance < SOLID and not self._ended(best):
            yield best

    def _scan(self) -> Iterator[Wish]:
        """One whole training an octave below what is being decided, to total failure."""
        bottom = self.top if self.smallest is None else self.smallest - 1
        open_ones = []
        for rung in range(self.top - self.octave, -1, -self.octave):
            if self.few or rung >= bottom:
                continue
            here = self.rungs[rung]
            if not here:
                yield Begin(self.family, rung, "scan")
                return
            scans = [trial for trial in here if trial.purpose == "scan"]
            open_ones += [trial for trial in scans if not self._ended(trial)]
            if any(self._is_lost(trial) for trial in here):
                break
        ready = [trial for trial in open_ones if self._is_ready(trial)]
        yield from (trial for trial in ready if not trial.points)
        yield from (trial for trial in ready if trial.points)

    def _typical(self) -> Iterator[Wish]:
        """Fresh seeds of the best recipe, at the answer first, then at other rungs near it."""
        if self.smallest is None:
            return
        near = self.rungs[: self.smallest + self.octave + 1]
        order = sorted(range(len(near)), key=lambda rung: (rung != self.smallest, rung))
        for rung in order:
            chosen = [t for t in near[rung] if t.points and t.purpose not in _NO_RECIPE]
            if not chosen:
                continue
            fresh = [trial for trial in near[rung] if trial.purpose == "typical"]
            yield from (t for t in fresh if not self._ended(t) and t.number not in self.running)
            if len(fresh) < self.spec.seeds:
                best = max(chosen, key=lambda t: (t.step, t.points[-1].validation.low))
                passing = [trial for trial in chosen if self._passes(trial)]
                if passing:
                    best = max(passing, key=lambda t: t.points[-1].validation.low)
                yield Begin(self.family, rung, "typical", best)

    def _from_nothing(self) -> Iterator[Wish]:
        """Each passing size's best run from nothing too, trained as far, the smallest first; then
        the fresh seeds there, which were chosen for nothing that they scored."""
        passing = [rung for rung in self.rungs if any(map(self._passes, rung))]
        if not any(trial.number in self.confirmed for rung in passing[:1] for trial in rung):
            return
        best = [max(filter(self._passes, rung), key=self._claim) for rung in passing]
        fresh = [t for rung in passing for t in rung if t.purpose == "typical" and t not in best]
        for trial in best + fresh:
            if not trial.cut:
                continue
            twin = next((t for t in self.from_nothing if t.is_twin_of(trial, CUT_DOWN)), None)
            if twin is None:
                yield Begin(self.family, trial.rung, "compare", twin_of=trial, way=CUT_DOWN)
            elif twin.step < trial.step and not self._ended(twin) and self._is_ready(twin):
                yield twin

    def _claim(self, trial: Trial) -> tuple[bool, float]:
        return trial.number in self.confirmed, trial.points[-1].validation.low
