"""A model as a graph of one decoding step for ONNX: token and state in, logits and state out; the
alphabet and all that its file says of it in the metadata."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from lilliput.errors import NotFoundError
from lilliput.models import modelfile
from lilliput.models.tensors import read_tensors
from lilliput.shipping.graph import OPSET, Graph
from lilliput.shipping.steps import step
from lilliput.tasks.vocabulary import Vocabulary

USE = (
    "A step: give `token` (batch) and the states; take `logits` (batch, vocabulary) and each state"
    " from its `.next`. All states begin as zeros, with no positions."
)


def graph_of(path: Path) -> bytes:
    """The graph of a model file.

    Raises:
        NotFoundError: onnx is not installed.
    """
    tensors, card = read_tensors(path)
    g = Graph(tensors)
    network, _ = modelfile.load(path)
    logits = step(g, card.own, network, card.context)
    g.give("logits", logits, g.onnx.TensorProto.FLOAT, len(card.vocabulary))
    g.outputs.insert(0, g.outputs.pop())
    helper = g.onnx.helper
    graph = helper.make_graph(g.nodes, "step", g.inputs, g.outputs, g.constants, doc_string=USE)
    model = helper.make_model(
        graph,
        producer_name="lilliput",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=10,
    )
    starts = card.spec.training.opens_with_end
    facts = {"use": USE, "card": json.dumps(card.to_dict()), "starts_with_end": json.dumps(starts)}
    helper.set_model_props(model, facts)
    g.onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def say(content: bytes, prompts: list[str], start: bool, most: int) -> list[str]:
    """What onnxruntime goes on with, greedily, from the graph alone.

    Args:
        start: whether the end mark is read before a prompt.
        most: pieces at most, the end mark among them; 0: as many as the context in the card has
            room for.

    Raises:
        NotFoundError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError:
        raise NotFoundError(
            "onnxruntime is not installed, so it was not asked; pip install onnxruntime"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    card = json.loads(session.get_modelmeta().custom_metadata_map["card"])
    merges = tuple((left, right) for left, right in card["merges"])
    vocabulary = Vocabulary(card["characters"], merges)
    window = card["context"] if card["spec"]["model"]["kind"] == "gpt" or not most else 0
    texts = []
    for prompt in prompts:
        ids = [0] * start + vocabulary.encode(prompt)
        room = min(most or window, window - len(ids)) if window else most
        texts.append(vocabulary.decode(_greedy(session, ids, room)))
    return texts


def _greedy(session: Any, ids: list[int], most: int) -> list[int]:
    """The likeliest pieces after some, until the end mark, which is left out."""
    states = {
        found.name: np.zeros(
            [1, *(0 if isinstance(size, str) else size for size in found.shape[1:])],
            dtype=np.int64 if "int64" in found.type else np.float32,
        )
        for found in session.get_inputs()
        if found.name != "token"
    }
    names = [found.name for found in session.get_outputs()]
    written: list[int] = []
    for _ in range(len(ids) + most - 1):
        token = ids[0] if ids else written[-1]
        ids = ids[1:]
        given = {"token": np.array([token], dtype=np.int64), **states}
        logits, *after = session.run(names, given)
        states = {name.removesuffix(".next"): x for name, x in zip(names[1:], after, strict=True)}
        if ids:
            continue
        written.append(int(logits[0].argmax()))
        if written[-1] == 0:
            return written[:-1]
    return written
