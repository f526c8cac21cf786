"""Searches and runs whose models are made up, with all the files that a report reads."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from lilliput.exam.grade import grade
from lilliput.exam.heatmap import heat_maps
from lilliput.files import append_line, write_json
from lilliput.lab.answering import Model
from lilliput.lab.job import count, job_of
from lilliput.lab.verbs import Graded
from lilliput.search.find import _identity
from lilliput.search.job import Evidence, Job, Progress
from lilliput.search.ladder import ladder
from lilliput.search.ledger import Ledger
from lilliput.search.trial import Look, Trial
from lilliput.specs import ArithmeticSpec, RunSpec, TaskSpec, TrainingSpec, to_dict
from lilliput.specs.search import SearchSpec
from lilliput.tasks.task import task_of
from lilliput.units import Z95, wilson

QUESTIONS = 3_200
SMALL = ArithmeticSpec(operands="0-39", held_out="40-43", format="plain")
SEARCH = SearchSpec(families=("gpt", "gru"), smallest=1_000, largest=60_000, steps=10**9)


def true_score(spec: RunSpec, step: int) -> float:
    """A curve of a size that rises with the steps; some seeds stay low."""
    chance = random.Random(f"{spec.seed} {count(spec)}")
    centre = 9.0 if spec.model.kind == "gpt" else 9.7
    last = 0.96 / (1 + math.exp(-1.7 * (math.log(count(spec)) - centre)))
    last *= chance.choice((1.0, 1.0, 1.0, 0.7)) * chance.uniform(0.97, 1.0)
    part = step / spec.training.steps
    return 0.02 + last * 1.03 / (1 + (0.13 / max(part, 1e-9)) ** 2.2)


def ask(spec: RunSpec, step: int, key: str, z: float = Z95) -> Evidence:
    score = min(0.995, true_score(spec, step))
    noise = random.Random(f"{key} {spec.seed} {step}").gauss(0, 0.005)
    right = max(0, min(QUESTIONS, round(QUESTIONS * (score + noise))))
    interval = wilson(right, QUESTIONS, z)
    return Evidence(right, QUESTIONS, interval.low, interval.high, {"+": (right, QUESTIONS)})


def advance(spec: RunSpec, state: bytes | None, steps: int) -> Progress:
    before = int(state or 0)
    step = min(before + steps, spec.training.steps)
    # Validated at the end of a slice too, which is no record.
    records = tuple(record(spec, at) for at in range(before + 1, step + 1) if at % 500 == 0)
    loss = record(spec, step)["loss"]
    done = step == spec.training.steps
    return Progress(str(step).encode(), step, done, ask(spec, step, "v"), loss, 2.5, records)


def record(spec: RunSpec, step: int) -> dict[str, Any]:
    """A line of metrics.jsonl."""
    seen = ask(spec, step, "v")
    numbers = {name: getattr(seen, name) for name in ("right", "total", "low", "high")}
    loss = 2.1 * (1 - 0.9 * seen.score)
    groups = {"+": [seen.right, seen.total]}
    times = {"seconds": step / 100, "characters": step * 4096}
    return {"step": step, "loss": loss, **numbers, "groups": groups, **times}


def ask_unseen(spec: RunSpec, state: bytes, z: float) -> Evidence:
    return ask(spec, int(state), "unseen", z)


def made_up_job(task: TaskSpec, training: TrainingSpec | None = None) -> Job:
    job = job_of(task, training or TrainingSpec(steps=6_000))
    # A high floor, so that the smallest sizes fail totally.
    return replace(job, advance=advance, ask_unseen=ask_unseen, floor=0.06)


def write_search(folder: Path, num_trials: int, task: TaskSpec = SMALL) -> None:
    """A ledger of trials at all sizes, a confirmation, and the exams of confirmed models."""
    job, chance = made_up_job(task), random.Random(1)
    training = TrainingSpec(steps=6_000)
    sizes = ladder(SEARCH)
    begun: list[Trial] = []
    progress: list[tuple[int, Progress]] = []
    with Ledger(folder, _identity(SEARCH, job), RunSpec) as ledger:
        for number in range(num_trials):
            family, rung = SEARCH.families[number % 2], number // 2 % len(sizes)
            inner = {"learning_rate": chance.uniform(1e-3, 6e-3), "weight_decay": 0.1}
            spec = job.propose_spec(family, sizes[rung], inner, number)
            again = number // (2 * len(sizes))
            purpose = "typical" if again in (1, 2, 3) and rung > 5 else "search"
            trial = Trial(
                number, family, rung, sizes[rung], inner, number, spec, count(spec),
                training.steps, cast(Any, purpose),
            )  # fmt: skip
            slices, state = [], None
            end = 16 if purpose == "typical" or chance.random() < 0.7 else 5
            for _ in range(end):
                made = advance(spec, state, training.steps // 16)
                slices.append(made)
                state = made.state
            begun.append(trial)
            progress += [(number, made) for made in slices]
        # In one transaction, and nothing brought to the disk: this is not the ledger's test.
        with patch("os.fsync"):
            ledger.record(begun, [])
            ledger.record([], progress)
        _confirm(ledger, folder, task)


def _confirm(ledger: Ledger, folder: Path, task: TaskSpec) -> None:
    passing = [t for t in ledger.trials if t.passes(SEARCH.pass_mark) and t.done]
    best = {(t.family, t.rung): t for t in passing}
    place = 0
    for family in SEARCH.families:
        for key in sorted((k for k in best if k[0] == family), reverse=True):
            look = Look(1, place, best[key].number, Z95)
            ledger.name_looks([look])
            seen = ledger.record_look(look, ask_unseen(best[key].spec, b"6000", Z95))
            place += 1
            if not seen.confirms(SEARCH.pass_mark):
                break
            home = folder / "models" / f"trial-{look.trial}"
            write_exam(home, best[key].spec)


def write_exam(home: Path, spec: RunSpec, name: str = "a model") -> None:
    """exam.json of a model that knows easy problems better than hard ones."""
    task, chance = task_of(spec.task), random.Random(spec.seed)
    hard = {"+": 0.01, "-": 0.03, "*": 0.35, "/": 0.6}

    def answer(prompts: Sequence[str]) -> list[str]:
        texts = []
        for prompt in prompts:
            operation = next((symbol for symbol in "+-*/" if symbol in prompt), "+")
            wrong = chance.random() < hard[operation] * chance.random() * 1.6
            texts.append(" 99999.00\n" if wrong else _right(prompt))
        return texts

    known = {}
    for section in ("seen", "valid", "unseen", "beyond"):
        for problem in task.section(cast(Any, section)):
            prompt = task.format.prompt(problem.question)
            known[prompt] = task.format.completion(problem.question, problem.answer)

    def _right(prompt: str) -> str:
        return known[prompt]

    graded, answers = grade(task, answer, ("seen", "valid", "unseen", "beyond"))
    maps = tuple(heat_maps(answers)) if isinstance(spec.task, ArithmeticSpec) else ()
    card = SimpleNamespace(spec=spec, parameters=count(spec), marks={})
    model = cast(Model, SimpleNamespace(name=name, card=card))
    write_json(home / "exam.json", Graded(model, graded, maps, 1.5).to_dict())


def write_run(folder: Path, spec: RunSpec) -> None:
    write_json(folder / "spec.json", to_dict(spec))
    for step in range(500, spec.training.steps + 1, 500):
        append_line(folder / "metrics.jsonl", record(spec, step))
    write_exam(folder, spec)
