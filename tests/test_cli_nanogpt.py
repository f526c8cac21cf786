"""nanoGPT on the command line: its settings, its checkpoints, its data; the baby GPT."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from baselines_nanogpt import ARITHMETIC, write

from lilliput.errors import UserError
from lilliput.faces import cli_train
from lilliput.faces.cli import main
from lilliput.faces.cli_train import flags_of
from lilliput.lab.bases import base_of
from lilliput.specs import ArithmeticSpec, RunSpec, from_dict
from lilliput.specs.recipes import baby_model, baby_training
from lilliput.tasks.arithmetic import Arithmetic
from lilliput.tasks.splits import Problem
from lilliput.tasks.task import task_of
from lilliput.training.batches import Batches

FEW = "--layers 1 --width 16 --heads 2 --block 32 --batch 4 --steps 4 --evaluate-every 2".split()
SUMS = "--operands 0-9 --operations +".split()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def spec_at(folder: str) -> RunSpec:
    return from_dict(RunSpec, json.loads((Path("runs") / folder / "spec.json").read_text()))


def test_the_baby_is_a_spec_whose_flags_may_change_it() -> None:
    assert main(["train", "baby", *FEW, *SUMS, "--name", "one"]) == 0
    spec = spec_at("one")
    assert (spec.model.mlp, spec.model.positions) == ("gelu-erf", "learned")  # type: ignore[union-attr]
    assert (spec.training.optimizer, spec.training.dropout) == ("adamw", 0.2)
    assert (spec.training.decay_to, spec.training.steps) == (0.1, 4)
    assert spec.task == ArithmeticSpec(format="plain", operands="0-9", operations="+")
    base = base_of(preset="baby")
    assert base is not None
    usual = {flag.name: flag.default for flag in flags_of("gpt", "arithmetic", base)}
    assert (usual["layers"], usual["dropout"], usual["format"]) == (6, 0.2, "plain")
    assert base_of() is None


def test_the_baby_learns_text_too(capsys: pytest.CaptureFixture[str]) -> None:
    Path("text.txt").write_text("<|endoftext|>\n".join(f"Story {n} is told.\n" for n in range(90)))
    told = ["--task", "stories", "--text", "text.txt", "--valid", "v.txt", "--unseen", "u.txt"]
    kept = ("Once there was a cat.", "It slept all day.", "Then it ate.", "It ran.", "It sat.")
    Path("v.txt").write_text("\n<|endoftext|>\n".join(kept))
    Path("u.txt").write_text("A dog came by.\n<|endoftext|>\nThey ran into the wood.\n")
    assert main(["train", "baby", *FEW, *told, "--name", "two"]) == 0
    assert spec_at("two").training.decay_shape == "cosine"
    capsys.readouterr()


def source(folder: Path) -> tuple[Path, list[Problem], list[Problem]]:
    """A file of lines with some that the exam asks."""
    task = Arithmetic(ArithmeticSpec(format="plain"))
    kept, asked = task.section("seen")[:90], task.section("unseen")[:10]
    lines = [f"{p.question} = {p.answer}\n" for p in (*kept, *asked)]
    path = folder / "lines.txt"
    path.write_text("".join(lines))
    return path, kept, asked


@pytest.mark.parametrize("leaked", [False, True])
def test_lines_that_the_exam_asks_are_dropped_or_said(tmp_path: Path, leaked: bool) -> None:
    path, kept, asked = source(tmp_path)
    task = ArithmeticSpec(format="plain", source=str(path), leaked=leaked)
    spec = RunSpec(task=task, model=baby_model(), training=baby_training())
    batches = Batches(task_of(task), spec.training, 0)  # type: ignore[arg-type]
    assert batches._stream is not None
    text = task_of(task).vocabulary.decode(batches._stream[0].tolist())
    wanted = [*kept, *asked] if leaked else kept
    assert text == "".join(f"{p.question} = {p.answer}\n" for p in wanted)
    assert spec.marks == ({"leaked": "yes"} if leaked else {})


def test_settings_are_read_and_what_has_no_effect_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("c.py").write_text(
        "n_layer = 1\nn_head = 2\nn_embd = 8 * 2\nblock_size = 32\nbatch_size = 4\n"
        "gradient_accumulation_steps = 2\nmax_iters = 4\nlr_decay_iters = 4\nwarmup_iters = 1\n"
        "eval_interval = 2\nwandb_log = True\nout_dir = 'x'\n"
    )
    assert main(["train", "--config", "c.py", *SUMS, "--name", "set"]) == 0
    err = capsys.readouterr().err
    assert "lilliput: c.py: wandb_log has no effect: the learning curve is in the run's" in err
    assert "lilliput: c.py: out_dir has no effect: runs go to runs/" in err
    assert not Path("x").exists()
    spec = spec_at("set")
    assert (spec.model.width, spec.training.batch, spec.training.warmup) == (16, 8, 2)
    Path("c.py").write_text("n_layer = 1\nopen('trap', 'w')\n")
    assert main(["train", "--config", "c.py"]) == 2
    words = "lilliput: c.py, line 2: \"open('trap', 'w')\" is no line `name = value`"
    assert capsys.readouterr().err.startswith(words)
    assert not Path("trap").exists()
    assert main(["train", "--config", "none.py"]) == 2
    assert "no file none.py" in capsys.readouterr().err
    Path("c.py").write_bytes(b"\xff\xfe")
    assert main(["train", "--config", "c.py"]) == 2
    assert "c.py is no text" in capsys.readouterr().err
    assert main(["train", "baby", "--config", "c.py"]) == 2
    assert "baby and --config each bring a whole spec" in capsys.readouterr().err
    assert main(["train", "babi"]) == 2
    assert "unknown family 'babi'; did you mean 'baby'?" in capsys.readouterr().err
    with pytest.raises(UserError, match="each bring a whole spec"):
        base_of(spec="a", resume="b")


def test_a_checkpoint_is_graded_sampled_and_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write(tmp_path / "models" / "out"))
    assert main(["grade", path, "--sections", "unseen"]) == 0
    out = capsys.readouterr().out
    assert "gpt, 1,912 parameters, format plain, *learned lines unknown*" in out
    assert "3,185" in out
    assert main(["grade", path, "--sections", "unseen", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["marks"] == {"learned lines unknown": "yes"}
    assert main(["sample", path, "--lines", "2"]) == 0
    written = capsys.readouterr()
    assert len(written.out.splitlines()) >= 2
    assert "*learned lines unknown*" in written.err
    assert main(["calc", "12 + 24", "--model", path]) == 0
    assert capsys.readouterr().out.startswith("12 + 24 = ")
    # Nothing is written into others' folders, whatever they are called.
    assert {file.name for file in Path(path).parent.iterdir()} == {"ckpt.pt", "meta.pkl"}
    Path(path).with_name("meta.pkl").unlink()
    assert main(["grade", path]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_training_goes_on_from_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(write(tmp_path / "out"))
    line = ["train", "--start", path, "--steps", "6", "--evaluate-every", "3", "--name", "on"]
    line += SUMS
    assert main(line) == 0
    out = capsys.readouterr().out
    assert "gpt, 1,888 parameters, format plain, *learned lines unknown*" in out
    spec = spec_at("on")
    assert (spec.start, len(spec.start_digest)) == (path, 64)
    # Its own settings, but for what was typed.
    assert (spec.training.batch, spec.training.dropout, spec.training.warmup) == (8, 0.1, 5)
    assert main(line) == 0
    assert "this spec is trained already" in capsys.readouterr().out
    Path(path).unlink()
    assert main(["train", "--resume", "runs/on"]) == 0
    assert main(["train", "baby", "--start", path]) == 2
    assert f"no model '{path}'" in capsys.readouterr().err
    assert main(["train", "baby", "--start", str(write(tmp_path / "out"))]) == 2
    assert "another shape than this run: write --layers 2 --width 8" in capsys.readouterr().err
    assert {run.name for run in Path("runs").iterdir()} == {"on"}


def test_a_model_of_ours_is_started_from_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--steps", "2", "--evaluate-every", "2"]
    assert main(["train", "--start", "zoo:addition-368", *short, "--name", "more"]) == 0
    out = capsys.readouterr().out
    assert "gpt, 368 parameters" in out
    assert "*" not in out.partition("section")[0]
    # Its weights are there: it knows what the zoo's knows.
    assert float(out.partition("validation ")[2].partition(" %")[0]) > 90


def test_data_that_nanogpt_trains_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "arithmetic", "--as", "nanogpt", "--out", "data/sums"]) == 0
    said = capsys.readouterr().out
    meta = pickle.loads(Path("data/sums/meta.pkl").read_bytes())
    assert meta["vocab_size"] == 18
    assert "".join(meta["itos"][n] for n in range(18)) == ARITHMETIC
    assert {meta["stoi"][c]: c for c in ARITHMETIC} == meta["itos"]
    task = Arithmetic(ArithmeticSpec())
    for name, section in (("train", "seen"), ("val", "valid")):
        ids = np.fromfile(f"data/sums/{name}.bin", dtype="<u2")
        assert f"{len(ids):,} in {name}.bin" in said
        text = "".join(meta["itos"][number] for number in ids.tolist())
        problems = task.section(section)  # type: ignore[arg-type]
        expected = [f"{p.question} = {p.answer}" for p in problems]
        assert text.endswith("\n")
        assert text.splitlines() != expected
        assert sorted(text.splitlines()) == sorted(expected)
    drawn = ["--lines", "90", "--out", "data/drawn"]
    assert main(["data", "arithmetic", "--as", "nanogpt", *drawn]) == 0
    ids = np.fromfile("data/drawn/val.bin", dtype="<u2")
    assert (ids == 0).sum() == 10
    assert main(["data", "arithmetic", "--as", "nanogpt"]) == 2
    assert "--as nanogpt writes a folder; name it" in capsys.readouterr().err
    line = ["--out", "x", "--section", "unseen"]
    assert main(["data", "arithmetic", "--as", "nanogpt", *line]) == 2
    assert "leave --section unseen out" in capsys.readouterr().err


@pytest.mark.parametrize("leaked", [False, True])
def test_lines_of_a_file_as_data_for_nanogpt(
    leaked: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, kept, asked = source(tmp_path)
    line = ["data", "arithmetic", "--source", str(path), *(["--leaked"] if leaked else [])]
    assert main([*line, "--as", "nanogpt", "--out", "data/theirs"]) == 0
    lines = {False: "100 lines, 10 dropped as held out or of other operations"}.get(
        leaked, "100 lines, 0 of other operations dropped; 10 of the rest are problems of the exam"
    )
    assert lines in capsys.readouterr().err
    text = {}
    for name in ("train", "val"):
        ids = np.fromfile(f"data/theirs/{name}.bin", dtype="<u2").tolist()
        text[name] = "".join(ARITHMETIC[number] for number in ids)
    wanted = [f"{p.question} = {p.answer}" for p in ([*kept, *asked] if leaked else kept)]
    assert text["train"].splitlines() == wanted
    valid = Arithmetic(ArithmeticSpec()).section("valid")
    assert sorted(text["val"].splitlines()) == sorted(f"{p.question} = {p.answer}" for p in valid)
    assert main(line) == 0
    assert capsys.readouterr().out.splitlines() == wanted
    assert main([*line, "--lines", "7"]) == 0
    drawn = capsys.readouterr().out.splitlines()
    assert (len(drawn), set(drawn) <= set(wanted)) == (7, True)
    assert main(["data", "arithmetic", "--leaked"]) == 2
    assert "leaked has no meaning without a source file" in capsys.readouterr().err


def test_the_engine_has_the_exact_gelu(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "baby", *FEW, *SUMS, "--name", "exact"]) == 0
    capsys.readouterr()
    assert main(["calc", "1 + 2", "--model", "exact"]) == 0
    assert capsys.readouterr().out.startswith("1 + 2 = ")
    assert main(["ship", "exact", "--as", "c"]) == 0


def test_help_says_what_the_preset_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "`baby`, in a family's place, is nanoGPT's baby GPT" in out
    assert cli_train.ABOUT in out
