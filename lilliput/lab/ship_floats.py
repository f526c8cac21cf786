"""The forms that work in floats: transformers' folder, and a graph of one step for ONNX."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lilliput.errors import NotFoundError
from lilliput.files import write_atomically
from lilliput.lab.shipped import (
    THEN,
    Job,
    Shipped,
    continuations,
    folder_size,
    new_folder,
    same,
    write_card,
)
from lilliput.specs import ArithmeticSpec, TaskSpec


def folder(job: Job) -> Shipped:
    """transformers' own form; asked what the model is asked, before formats are read."""
    from lilliput.models import modelfile
    from lilliput.models.hf import HFNetwork
    from lilliput.shipping import hf, hf_outside

    network, _ = modelfile.load(job.path)
    asked, count, why_not = continuations(job), 0, ""
    with new_folder(job.out) as made:
        if isinstance(network, HFNetwork):
            hf_outside.write_folder(made, network, job.card)
        else:
            hf.write_folder(made, network, job.card)
        try:
            said = hf.say(made, asked.prompts, asked.most)
            same("transformers", said, asked.expected)
            count = len(said)
        except NotFoundError as error:
            why_not = str(error)
        shipped = Shipped(job.out, 0, count, why_not)
        remark = _remark(job.card.spec.task, job.card.format)
        own_code = (made / f"{hf.CODE}.py").exists()
        code = hf.use(job.out.name, own_code, asked.prompts[0], asked.most, remark)
        card = job.words.markdown(shipped.words, code)
        write_atomically(made / "README.md", card.encode(), then=THEN)
    return replace(shipped, bytes=folder_size(job.out))


def _remark(task: TaskSpec, style: Mapping[str, Any]) -> str:
    """How a question is written for a calculator, and its answer read."""
    if not isinstance(task, ArithmeticSpec):
        return ""
    turned = " ".join(style["reverse"])
    padded = "of fixed width, without a point, and " if style["kind"] == "padded" else ""
    last = f"; answers are {padded}of {turned} with the last digit first" if turned else ""
    return f"a sum as this model writes it{last}"


def graph(job: Job) -> Shipped:
    """One decoding step as a graph; the model is asked through it in onnxruntime."""
    from lilliput.shipping import onnx

    asked, count, why_not = continuations(job), 0, ""
    content = onnx.graph_of(job.path)
    try:
        start = job.card.spec.training.opens_with_end
        said = onnx.say(content, asked.prompts, start, asked.most)
        same("onnxruntime", said, asked.expected)
        count = len(said)
    except NotFoundError as error:
        why_not = str(error)
    write_atomically(job.out, content, then=THEN)
    return write_card(job, Shipped(job.out, job.out.stat().st_size, count, why_not))
