"""Asks a run that was stopped what its weights know so far.

    python tools/grade_stopped.py RUN OUT [SECTION ...]

writes the weights that RUN has kept (resume.safetensors) as a model into OUT, and grades that.
"""

import argparse
from pathlib import Path

from lilliput.faces.cli import main as lilliput
from lilliput.models import modelfile
from lilliput.tasks.task import task_of
from lilliput.training.kept import read_spec
from lilliput.training.loop import Training
from lilliput.training.run import card_of


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("sections", nargs="*", metavar="section")
    words = parser.parse_args()
    spec = read_spec(words.run)
    training = Training(spec, task_of(spec.task))
    training.restore((words.run / "resume.safetensors").read_bytes())
    model = training.finish()
    path = words.out / "model.safetensors"
    modelfile.save(path, model, card_of(training, model))
    print(f"{words.run} after {training.step:,} of {spec.training.steps:,} steps")
    sections = ["--sections", *words.sections] if words.sections else []
    return lilliput(["grade", str(path), *sections])


if __name__ == "__main__":
    raise SystemExit(main())
