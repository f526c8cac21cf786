"""Laws of run folders: killed anywhere they go on and end the same; what is over stays as it is."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lilliput.errors import FileError, UserError
from lilliput.faces import cli
from lilliput.models import modelfile
from lilliput.models.gpt import GPT
from lilliput.specs import ArithmeticSpec, GPTSpec, RunSpec, TrainingSpec, to_dict
from lilliput.tasks.task import task_of
from lilliput.training.kept import read_records
from lilliput.training.loop import Training
from lilliput.training.run import run

CPU = torch.device("cpu")
SMALL = RunSpec(
    task=ArithmeticSpec(operands="0-9", operations="+", format="padded"),
    model=GPTSpec(width=16, heads=2, layers=1),
    training=TrainingSpec(steps=60, batch=32, evaluate_every=20, warmup=5),
)


def test_a_run_killed_at_random_instants_ends_with_the_same_file(tmp_path: Path) -> None:
    """kill -9 of the process, again and again; what is left goes on and loses nothing."""
    spec = replace(SMALL, training=replace(SMALL.training, steps=400, evaluate_every=40))
    for _ in run(spec, task_of(spec.task), tmp_path / "whole", CPU):
        pass
    (tmp_path / "spec.json").write_text(json.dumps(to_dict(spec)))
    program = (
        "import sys, json, torch; from pathlib import Path; torch.set_num_threads(1);"
        "from lilliput.specs import RunSpec, from_dict; from lilliput.tasks.task import task_of;"
        "from lilliput.training.run import run; folder = Path(sys.argv[1]);"
        "spec = from_dict(RunSpec, json.loads((folder / 'spec.json').read_text()));"
        "print('ready', flush=True);"
        "[None for _ in run(spec, task_of(spec.task), folder / 'broken', torch.device('cpu'))]"
    )
    generator = np.random.default_rng(0)
    kills = 0
    for attempt in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        with child.stdout:
            child.stdout.readline()
            try:
                child.wait(timeout=None if attempt == 5 else float(generator.uniform(0.1, 0.8)))
                break
            except subprocess.TimeoutExpired:
                os.kill(child.pid, signal.SIGKILL)
                child.wait()
                kills += 1
    assert kills >= 1
    assert child.returncode == 0
    files = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "broken")]
    assert files[0] == files[1]
    curves = [
        [replace(r, seconds=0.0) for r in read_records(tmp_path / n)] for n in ("whole", "broken")
    ]
    assert curves[0] == curves[1]
    assert [record.step for record in curves[0]] == list(range(40, 401, 40))


def test_nobody_else_trains_it_meanwhile_and_a_killed_one_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    small = "train gpt --operands 0-9 --operations + --width 8 --heads 1 --layers 1 --batch 8"
    words = [*small.split(), *"--steps 300 --evaluate-every 5 --name one".split()]
    other = subprocess.Popen(
        [sys.executable, "-m", "lilliput", *words],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (metrics := tmp_path / "runs/one/metrics.jsonl").exists():
            assert other.poll() is None
        # Whatever it was just writing, it is stopped in the middle of its training.
        other.send_signal(signal.SIGSTOP)
        written = metrics.read_bytes()
        assert cli.main(words) == 2
        told = capsys.readouterr()
        assert "another process is training the run in runs/one; wait" in told.err
        assert told.out == ""
        assert cli.main(["train", "--resume", "runs/one"]) == 2
        assert metrics.read_bytes() == written
    finally:
        other.kill()
        other.wait()
    assert not (tmp_path / "runs/one/model.safetensors").exists()
    capsys.readouterr()
    assert cli.main(["train", "--resume", "runs/one"]) == 0
    assert json.loads(metrics.read_text().splitlines()[-1])["step"] == 300


def test_a_run_that_is_over_is_not_trained_again(tmp_path: Path) -> None:
    moments = list(run(SMALL, task_of(SMALL.task), tmp_path, CPU))
    assert [m.record.step for m in moments if m.record] == [20, 40, 60]
    assert list(run(SMALL, task_of(SMALL.task), tmp_path, CPU)) == []
    with pytest.raises(UserError, match="holds another run"):
        list(run(replace(SMALL, seed=1), task_of(SMALL.task), tmp_path, CPU))
    model, card = modelfile.load(tmp_path / "model.safetensors")
    assert isinstance(model, GPT)
    assert card.spec == SMALL


def test_ctrl_c_loses_no_step(tmp_path: Path) -> None:
    moments = run(SMALL, task_of(SMALL.task), tmp_path, CPU)
    step = next(moments).step
    signal.raise_signal(signal.SIGINT)
    last = next(moments).step
    with pytest.raises(KeyboardInterrupt):
        next(moments)
    restored = Training(SMALL, task_of(SMALL.task))
    restored.restore((tmp_path / "resume.safetensors").read_bytes())
    assert restored.step == last > step
    assert next(run(SMALL, task_of(SMALL.task), tmp_path, CPU)).step > last


def test_what_another_run_left_is_named(tmp_path: Path) -> None:
    other = replace(SMALL, seed=1)
    (tmp_path / "resume.safetensors").write_bytes(Training(other, task_of(other.task)).state())
    with pytest.raises(FileError, match=r"resume\.safetensors: .* delete it to train from the beg"):
        list(run(SMALL, task_of(SMALL.task), tmp_path, CPU))
