"""The engine goes on as PyTorch does: 1,000 prompts of every family and option, and what whole
numbers cost in bits per character."""

import math
from itertools import islice
from pathlib import Path

import pytest
import torch
from test_engine import CHARACTERS, CONTEXT, GREEDY, SPECS, made

from lilliput.engine import flat
from lilliput.engine.binding import END, Engine, library
from lilliput.lab.quantising import quantise
from lilliput.models.modelfile import read_card
from lilliput.specs.model import ModelSpec
from lilliput.tasks.documents import EXCERPT, read_documents

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
PROMPTS, LENGTH = 1_000, 4


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.kind}-{SPECS.index(spec)}")
@torch.inference_mode()
def test_it_goes_on_greedily_as_pytorch_does(spec: ModelSpec, tmp_path: Path) -> None:
    model = made(spec, "float32", tmp_path / "m.safetensors")
    text = Engine(flat.of_file(tmp_path / "m.safetensors")).begin()
    # Recurrent models go on past their context: the window slides.
    steps = CONTEXT - LENGTH if spec.kind == "gpt" else 2 * CONTEXT
    generator = torch.Generator().manual_seed(3)
    ids_BT = torch.randint(1, len(CHARACTERS), (PROMPTS, LENGTH), generator=generator)
    logits_BV, state = model.extend(ids_BT, model.begin(PROMPTS))
    chosen, leads = [], []
    for _ in range(steps):
        first_B2 = logits_BV.topk(2).values
        leads.append(first_B2[:, 0] - first_B2[:, 1])
        chosen.append(logits_BV.argmax(dim=-1))
        logits_BV, state = model.extend(chosen[-1][:, None], state)
    expected_BT, lead_BT = torch.stack(chosen, 1).tolist(), torch.stack(leads, 1)
    ended = 0
    for row, prompt in enumerate(ids_BT.tolist()):
        text.restart()
        text.read(prompt)
        written = text.write(steps, GREEDY)
        for place, (one, other) in enumerate(zip(written, expected_BT[row], strict=False)):
            if one != other:
                assert lead_BT[row, place] < 1e-4, f"prompt {row}, place {place}"
                break
        else:
            assert len(written) == steps or written[-1] == END
        ended += written[-1] == END
    assert ended < PROMPTS


@pytest.mark.parametrize("name", ["zoo:stories-60k", "zoo:memory-gru-210k"])
def test_whole_numbers_cost_few_bits(name: str, tmp_path: Path) -> None:
    """Of its own arithmetic: 0.00002 bits per character for int16, 0.003 for int8."""
    documents = [document[:400] for document in islice(read_documents(EXCERPT), 5)]
    found = {}
    for numbers in ("float32", "int16", "int8"):
        path = tmp_path / f"{numbers}.safetensors"
        if numbers == "float32":
            from lilliput.lab.load import resolve

            path = resolve(name)
        else:
            quantise(name, numbers, path, measure=False)
        vocabulary = read_card(path).vocabulary
        text, nats = Engine(flat.of_file(path)).begin(), 0.0
        for document in documents:
            text.restart()
            text.read([END])
            for number in vocabulary.encode(document):
                logits_V = torch.frombuffer(text.logits(), dtype=torch.float32)
                nats -= float(logits_V.log_softmax(dim=0)[number])
                text.read([number])
        found[numbers] = nats / math.log(2) / sum(map(len, documents))
    assert 0.5 < found["float32"] < 2.0
    assert abs(found["int16"] - found["float32"]) < 0.000_02, found
    assert abs(found["int8"] - found["float32"]) < 0.003, found
