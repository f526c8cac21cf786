"""The forms that work in floats: transformers' folder, and a graph of one step for ONNX."""

from dataclasses import replace

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


def folder(job: Job) -> Shipped:
    """transformers' own form; asked what the model is asked, before formats are read."""
    from lilliput.models import modelfile
    from lilliput.shipping import hf

    network, _ = modelfile.load(job.path)
    asked, count, why_not = continuations(job), 0, ""
    with new_folder(job.out) as made:
        hf.write_folder(made, network, job.card)
        try:
            start = job.card.spec.training.opens_with_end
            said = hf.say(made, asked.prompts, start, asked.most)
            same("transformers", said, asked.expected)
            count = len(said)
        except NotFoundError as error:
            why_not = str(error)
        shipped = Shipped(job.out, 0, count, why_not)
        card = job.words.markdown(shipped.words, hf.use(job.out.name, job.card.own))
        write_atomically(made / "README.md", card.encode(), then=THEN)
    return replace(shipped, bytes=folder_size(job.out))


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
