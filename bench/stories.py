"""The storytellers of the zoo: bits per character, what int8 costs, and how fast they write.

    python bench/stories.py [TEXT ...]

On the package's excerpt, which none of them was trained on, or on the files given (the zoo's own
figures are those of TinyStories' test files, which do not come with the package).
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from lilliput.errors import SpecError
from lilliput.exam.speed import speed_of
from lilliput.exam.story import PROMPTS, grade_sections
from lilliput.lab.load import load_text, resolve
from lilliput.lab.quantising import quantise
from lilliput.tasks.documents import EXCERPT, read_sections
from lilliput.zoo import entries


def main(*text: str) -> None:
    torch.set_num_threads(1)
    sections = read_sections(text or [str(EXCERPT)])
    found = [entry for entry in entries() if entry.format == "stories"]
    if not found:
        raise SpecError("the zoo has no storyteller yet")
    for entry in found:
        name = f"zoo:{entry.name}"
        model = load_text(name)
        graded = grade_sections(model.reader, sections)
        with tempfile.TemporaryDirectory() as folder:
            small = Path(folder) / "int8.safetensors"
            quantise(name, "int8", small, measure=False)
            after = grade_sections(load_text(str(small)).reader, sections)
            size = small.stat().st_size
        last = list(graded)[-1]
        speed = speed_of(model.reader, PROMPTS[0])
        print(
            f"{entry.name:<16} {entry.parameters:,} parameters, {resolve(name).stat().st_size:,}"
            f" bytes: " + ", ".join(f"{n} {s.bits:.3f}" for n, s in graded.items())
            + f" bits; int8 {size:,} bytes, {after[last].bits - graded[last].bits:+.4f};"
            f" {speed.characters_per_second:,.0f} characters/s in PyTorch",
            flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
