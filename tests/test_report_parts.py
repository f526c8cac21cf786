"""Laws of what the report is made of: pictures of maps, and commands that are read back."""

import itertools
import math
import shlex
import struct
import subprocess
import sys
import zlib
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_search import SEARCH, SMALL, made_up_job

from lilliput.exam import heatmap
from lilliput.faces import charts, cli_find, report_maps, report_page
from lilliput.faces.cli_flags import parse, spec_of
from lilliput.faces.cli_train import TASKS
from lilliput.faces.report_again import find_command
from lilliput.lab.job import key_of
from lilliput.search.trial import Trial
from lilliput.specs import (
    ArithmeticSpec,
    GPTSpec,
    LinesSpec,
    RunSpec,
    Stage,
    StoriesSpec,
    TaskSpec,
    TrainingSpec,
)
from lilliput.specs.recipes import training_of
from lilliput.specs.search import SearchSpec

ROOT = Path(__file__).parent.parent


def test_maps_are_read_as_the_exam_writes_them() -> None:
    written = asdict(heatmap.HeatMap("+", 3, (heatmap.RIGHT, heatmap.WRONG, heatmap.MISSING)))
    (read,) = report_maps.maps_of({"maps": [written]})
    assert read._asdict() == written
    assert read.rows == (report_maps.RIGHT, report_maps.WRONG, report_maps.MISSING)


def test_a_report_does_not_need_torch() -> None:
    find = "import sys, lilliput.faces.report, lilliput.faces.report_run; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", find], capture_output=True, text=True, cwd=ROOT)
    assert "lilliput.faces.report" in loaded.stdout.split()
    assert not {"torch", "numpy", "altair", "tyro"} & set(loaded.stdout.split())


def _pixels(png: bytes) -> list[list[int]]:
    """Palette indices of a PNG whose lines have no filter."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    parts, place = {}, 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        name, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert png[place + 8 + length :][:4] == struct.pack(">I", zlib.crc32(name + data))
        parts[name] = data
        place += length + 12
    width, height = struct.unpack(">II", parts[b"IHDR"][:8])
    raw = zlib.decompress(parts[b"IDAT"])
    lines = [raw[k * (width + 1) : (k + 1) * (width + 1)] for k in range(height)]
    assert all(line[0] == 0 for line in lines)
    return [list(line[1:]) for line in lines]


@given(st.integers(1, 12).flatmap(lambda n: st.lists(st.text("10.", min_size=n, max_size=n),
       min_size=n, max_size=n)))  # fmt: skip
def test_a_picture_shows_every_problem_at_its_place(rows: list[str]) -> None:
    pixels = _pixels(report_maps.picture(rows, side=30))
    scale = len(pixels) // len(rows)
    assert len(pixels) == len(rows) * scale
    for y, line in enumerate(reversed(pixels)):
        for x, index in enumerate(line):
            assert "10."[index] == rows[y // scale][x // scale]


@given(*[st.integers(0, 12)] * 4)
def test_bands_cover_what_is_held_out_once(a: int, b: int, c: int, d: int) -> None:
    (low, high), (start, end) = sorted((a, b)), sorted((c, d))
    bands = report_maps.bands((start, end), low, high)
    for left in range(low, high + 1):
        for right in range(low, high + 1):
            inside = sum(
                band["x"] < right < band["x2"] and band["y"] < left < band["y2"] for band in bands
            )
            assert inside == (start <= left <= end or start <= right <= end)


TASKS_TO_NAME: list[TaskSpec] = [
    ArithmeticSpec(),
    SMALL,
    ArithmeticSpec(operands="0-9", operations="-+", weights=(1.0, 2.0), format="padded"),
    LinesSpec(file="my questions.tsv"),
]
TRAININGS = [
    TrainingSpec(),
    TrainingSpec(
        steps=900,
        weight_decay=0.2,
        stages=(Stage(steps=200, operands="0-9", operations="+-", weights=(3.0, 1.0)),),
        loss="all",
    ),
]
TEXT = replace(training_of("stories"), weight_decay=TrainingSpec().weight_decay)


@pytest.mark.parametrize(
    ("task", "training"),
    [*itertools.product(TASKS_TO_NAME, TRAININGS), (StoriesSpec(vocabulary=256), TEXT)],
)
def test_the_command_line_reads_the_command_as_the_same_search(
    task: TaskSpec, training: TrainingSpec
) -> None:
    mark = -1.75 if isinstance(task, StoriesSpec) else 0.625
    spec = replace(SEARCH, pass_mark=mark, width=3, seed=7, steps=0, seconds=600.0)
    run = RunSpec(task=task, training=training, model=GPTSpec(width=24, hidden=64))
    trial = Trial(0, "gpt", 4, 15_000, {}, 1, run, 14_000, 900, "search")
    command, sure = find_command(spec, [trial], key_of(task, training, {}))
    assert sure
    _, verb, kind, *flags = shlex.split(command)
    values = parse("find", "", cli_find.flags_of(kind), flags)
    budget = {"seconds": 0.0, "steps": 0, **cli_find.read_budget(values.budget)}
    assert verb == "find"
    assert spec_of(SearchSpec, values, cli_find.NAMES, **budget) == spec
    assert spec_of(TASKS[kind], values) == task
    assert spec_of(TrainingSpec, values) == training


def test_a_shape_that_was_fixed_is_in_the_command() -> None:
    job = made_up_job(SMALL)
    spec = job.propose_spec("gpt", 15_000, {}, 1)
    trial = Trial(0, "gpt", 4, 15_000, {}, 1, spec, 14_000, 900, "search")
    fixed = key_of(spec.task, spec.training, {"layers": 1, "mlp": "gelu", "tied": False})
    command, sure = find_command(SEARCH, [trial], fixed)
    assert sure
    assert "--layers 1 --mlp gelu" in command
    assert "--no-tied" in command
    free = key_of(spec.task, spec.training, {})
    assert "--layers" not in find_command(SEARCH, [trial], free)[0]


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (2, 2), (40, 0)])
def test_a_line_of_one_point_is_seen(number: int, shown: int) -> None:
    head = {"trial": 0, "family": "gpt", "parameters": 9, "text": ""}
    rows = [{**head, "step": 5 + n, "score": 0.5, "low": 0.4, "high": 0.6} for n in range(number)]
    spec = charts.curves(rows, by_family=None, y="score", title="score")
    drawn = charts.render(spec)[0]
    assert drawn.count('aria-roledescription="point"') == shown
    assert drawn.count('aria-roledescription="rule mark"') == shown


def test_a_page_can_be_read_whatever_is_in_its_charts() -> None:
    """A browser's JSON has no -Infinity: it would draw no chart at all."""
    specs = {"frontier": {"datasets": {"points": [{"low": -math.inf, "high": 0.0}]}}}
    made = report_page.page("title", report_page.text(""), specs, {}, "")
    assert '"points":[{"low":null,"high":0.0}]' in made
    assert "-Infinity" not in made
