"""Stories that a model of text begins by itself, as a text that another can learn."""

from pathlib import Path

import baselines_hf
import hf_toys
import pytest
from text_toys import write_stories

import lilliput
from lilliput.errors import SpecError
from lilliput.faces.cli import main
from lilliput.lab import telling, writing
from lilliput.lab.telling import TextModel
from lilliput.specs.sampling import Sampling
from lilliput.tasks.documents import read_documents


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    baselines_hf.save(Path("toy"), hf_toys.pretrained(width=32), hf_toys.bpe())


def told(capsys: pytest.CaptureFixture[str], line: str) -> list[str]:
    assert main(line.split()) == 0
    Path("told.txt").write_text(capsys.readouterr().out)
    return list(read_documents(Path("told.txt")))


def test_stories_of_the_zoo_are_those_that_it_tells(capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "sample zoo:stories-60k --lines 2 --seed 3 --temperature 0.65")
    model = lilliput.load("zoo:stories-60k")
    assert isinstance(model, TextModel)
    sampling = Sampling(temperature=0.65)
    wanted = ["".join(model.tell("", sampling=sampling, seed=n, pieces=9_000)) for n in (3, 4)]
    assert found == [story.strip("\n ") for story in wanted]
    again = lilliput.sample("zoo:stories-60k", lines=2, seed=3, temperature=0.65)
    assert list(again) == wanted


def test_a_model_of_transformers_teaches_by_what_it_tells(
    capsys: pytest.CaptureFixture[str],
) -> None:
    three = told(capsys, "sample hf:toy --lines 3 --top-k 1")
    assert three == [three[0]] * 3
    assert "pears" in three[0]
    found = told(capsys, "sample hf:toy --lines 70")
    assert 60 < len(found) <= 70
    assert Path("told.txt").read_text().count("<|endoftext|>\n") == 70
    few = "--layers 1 --width 8 --heads 1 --block 16 --steps 2 --batch 4 --evaluate-every 2"
    assert main(f"train gpt --task stories --text told.txt {few}".split()) == 0
    capsys.readouterr()


def test_advice_leads_there(capsys: pytest.CaptureFixture[str]) -> None:
    write_stories(Path("t.txt"), range(60))
    text = "--task stories --text t.txt"
    for words in (
        f"train hf:toy {text}",
        "find stories --text t.txt --start hf:toy --budget 1m",
        f"train gpt {text} --teacher hf:toy",
    ):
        assert main(words.split()) == 2
        assert "`lilliput sample hf:toy --lines 10000 > told.txt`" in capsys.readouterr().err


def test_what_cannot_be_sampled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "hf:toy", "--section", "unseen"]) == 2
    assert "hf:toy tells stories, which have no sections" in capsys.readouterr().err
    assert main(["sample", "hf:toy", "--lines", "-1"]) == 2
    assert "lines must be 0 or more; got -1" in capsys.readouterr().err
    with pytest.raises(SpecError, match="no sections; leave --section out"):
        list(lilliput.sample("hf:toy", section="unseen"))
    model = telling.baseline("hf:toy")
    assert model is not None
    reader = model.reader._replace(start=())
    bare = TextModel("bare", lambda: reader, 1, 1, "gpt2")
    with pytest.raises(SpecError, match=r"lilliput tell \"Once upon a time\" --model bare"):
        next(writing.stories(bare, 1, Sampling()))
