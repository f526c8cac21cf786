"""The engine beside what people use instead, each in the same run, on one core.

    python bench/engine.py [RUN.C STORIES260K.BIN]

With llama2.c's source and checkpoint (its tok512.bin beside it) that row is measured too.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from timing import in_turn

from lilliput.engine import flat
from lilliput.engine.binding import Engine, library
from lilliput.lab.load import load_answerer
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.modelfile import Card
from lilliput.shipping.exe import compiler
from lilliput.specs import GPTSpec, MemoryGRUSpec, RunSpec
from lilliput.specs.model import ModelSpec
from lilliput.specs.sampling import Sampling

SYMBOLS, WIDTH, PLACES = 98, 124, 256
"""Of the published pure GRU."""
GREEDY = Sampling(temperature=0.0)
CHARACTERS = 5_000


def made(spec: ModelSpec, symbols: int, context: int, numbers: str, folder: Path) -> Path:
    """A model file of random numbers: speed does not depend on them."""
    model = build(spec, symbols, context)
    model.initialise(torch.Generator().manual_seed(0))  # type: ignore[operator]
    characters = "\n" + "".join(chr(0x100 + n) for n in range(symbols - 1))
    path = folder / f"{spec.kind}-{numbers}.safetensors"
    parameters = sum(p.numel() for p in model.parameters())
    card = Card(
        spec=RunSpec(model=spec), characters=characters, end="\n", context=context,
        format={"kind": "lines"}, parameters=parameters, numbers=numbers,
    )  # fmt: skip
    modelfile.save(path, model, card)
    return path


def speed_of(engine: Engine, count: int) -> Callable[[], float]:
    """Reads `count` pieces on: pieces a second of one go."""
    text = engine.begin()
    window = engine.window or count
    pieces = [1 + n % (engine.vocabulary_size - 1) for n in range(min(window, count))]

    def run() -> float:
        started, done = time.perf_counter(), 0
        while done < count:
            text.restart()
            text.read(pieces)
            done += len(pieces)
        return done / (time.perf_counter() - started)

    return run


def speed_of_pytorch(path: Path, count: int) -> Callable[[], float]:
    model, _ = modelfile.load(path)
    model.eval()

    @torch.inference_mode()
    def run() -> float:
        state = model.begin(1)  # type: ignore[operator]
        started = time.perf_counter()
        for n in range(count):
            _, state = model.extend(torch.tensor([[1 + n % 90]]), state)  # type: ignore[operator]
        return count / (time.perf_counter() - started)

    return run


def beside(name: str, *others: tuple[str, Callable[[], float]]) -> None:
    """By turns, five times; the medians, and how many times the last each is."""
    found: dict[str, list[float]] = {what: [] for what, _ in others}
    for _ in range(5):
        for what, run in others:
            found[what].append(run())
    last = statistics.median(found[others[-1][0]])
    words = [
        f"{what} {statistics.median(rates):,.0f}/s [{min(rates):,.0f}, {max(rates):,.0f}]"
        + (f" ({statistics.median(rates) / last:.1f} ×)" if what != others[-1][0] else "")
        for what, rates in found.items()
    ]
    print(f"{name}: {'; '.join(words)}", flush=True)


def memory_gru(folder: Path) -> None:
    spec = MemoryGRUSpec(width=WIDTH, tied=False)
    paths = {n: made(spec, SYMBOLS, PLACES, n, folder) for n in ("float32", "int16", "int8")}
    program = folder / "published_gru"
    source = Path(__file__).parent / "published_gru.c"
    subprocess.run([compiler(), "-O3", "-o", str(program), str(source), "-lm"], check=True)

    def published() -> float:
        sizes = [str(n) for n in (SYMBOLS, WIDTH, PLACES, CHARACTERS)]
        return float(subprocess.run([program, *sizes], capture_output=True, check=True).stdout)

    # Within the window, so that the engine too reads each character once.
    engines = [(n, speed_of(Engine(flat.of_file(path)), PLACES)) for n, path in paths.items()]
    beside("memory-gru 0.2M, characters", *engines, ("its C program's way", published))
    pytorch = speed_of_pytorch(paths["float32"], PLACES)
    beside("the same", engines[0], ("PyTorch step by step", pytorch))


def gpt(folder: Path) -> None:
    path = made(GPTSpec(width=36, heads=3, hidden=50), 18, 12, "float32", folder)
    del path
    model = load_answerer("zoo:arithmetic-12k")
    questions = [problem.question for problem in model.task.exam("valid")[:50]]

    def one_at_a_time(answer: Callable[[list[str]], list[str]]) -> Callable[[], float]:
        def run() -> float:
            started = time.perf_counter()
            for question in questions:
                answer([question])
            return len(questions) / (time.perf_counter() - started)

        return run

    beside(
        "arithmetic-12k, answers one at a time",
        ("engine", one_at_a_time(model.answer)),
        ("PyTorch", one_at_a_time(model.answers_of_pytorch)),
    )


def cold() -> None:
    def run(*command: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *command], capture_output=True, check=True)

    sum_, torch_ = in_turn(run("-m", "lilliput", "calc", "12 + 24"), run("-c", "import torch"))
    print(f"cold calc {sum_}; import torch {torch_}: {sum_.median / torch_.median:.2f} of it")


def main() -> None:
    torch.set_num_threads(1)
    if library() is None:
        print("the engine was not built here; `lilliput doctor` says what to do")
        return
    with tempfile.TemporaryDirectory() as folder:
        memory_gru(Path(folder))
        gpt(Path(folder))
    cold()


if __name__ == "__main__":
    main()
