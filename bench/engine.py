"""The engine beside what people use instead, each in the same run, on one core.

    LLAMA2C=.../run.c STORIES260K=.../stories260K.bin python -m bench engine

Without llama2.c's source and checkpoint (its tok512.bin beside it) that row is left out. Speeds are
of processor time, so that other work on the machine favours nobody.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from bench.memory_gru import WINDOW, Published
from bench.timing import in_turn
from lilliput.baselines import llama2c
from lilliput.baselines.decoding import flat_of
from lilliput.baselines.llama2c_tokens import START
from lilliput.baselines.tinystoriesgru import from_state_dict
from lilliput.engine import flat
from lilliput.engine.binding import Engine, library
from lilliput.lab.load import load_answerer
from lilliput.models import modelfile
from lilliput.models.build import build
from lilliput.models.card import Card
from lilliput.shipping.exe import compiler
from lilliput.specs import LinesSpec, MemoryGRUSpec, RunSpec
from lilliput.specs.model import ModelSpec
from lilliput.specs.sampling import GREEDY

SYMBOLS, WIDTH, PLACES = 98, 124, 256
"""Of the published pure GRU."""
CHARACTERS = 5_000


def made(spec: ModelSpec, symbols: int, context: int, numbers: str, folder: Path) -> Path:
    """A model file of random numbers: speed does not depend on them."""
    model = build(spec, symbols, context)
    model.initialise(torch.Generator().manual_seed(0))
    characters = "\n\t" + "".join(chr(0x100 + n) for n in range(symbols - 2))
    path = folder / f"{spec.kind}-{numbers}.safetensors"
    parameters = sum(p.numel() for p in model.parameters())
    card = Card(
        spec=RunSpec(task=LinesSpec(file="questions.tsv"), model=spec), characters=characters,
        end="\n", context=context, format={"kind": "lines"}, parameters=parameters,
        numbers=numbers,
    )  # fmt: skip
    modelfile.save(path, model, card)
    return path


def speed_of(engine: Engine, count: int) -> Callable[[], float]:
    """Reads `count` pieces on: pieces a second of one go."""
    text = engine.begin()
    window = engine.window or count
    pieces = [1 + n % (engine.vocabulary_size - 1) for n in range(min(window, count))]

    def run() -> float:
        started, done = time.process_time(), 0
        while done < count:
            text.restart()
            text.read(pieces)
            done += len(pieces)
        return done / (time.process_time() - started)

    return run


def speed_of_pytorch(path: Path, count: int) -> Callable[[], float]:
    model, _ = modelfile.load(path)
    model.eval()

    @torch.inference_mode()
    def run() -> float:
        state = model.begin(1)  # type: ignore[operator]
        started = time.process_time()
        for n in range(count):
            _, state = model.extend(torch.tensor([[1 + n % 90]]), state)  # type: ignore[operator]
        return count / (time.process_time() - started)

    return run


def beside(name: str, *others: tuple[str, Callable[[], float]]) -> float:
    """By turns, five times; the medians, and how many times the last each is. Returns the first's
    median."""
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
    print(f"   {name}: {'; '.join(words)}", flush=True)
    return statistics.median(found[others[0][0]])


def built(folder: Path, source: Path, *options: str) -> Path:
    """A program of a C file."""
    program = folder / (source.stem + "".join(options))
    subprocess.run([*compiler(), *options, "-o", str(program), str(source), "-lm"], check=True)
    return program


def limit(folder: Path, name: str, bytes_read: int, rate: float) -> None:
    """How near a speed comes to reading its weights as fast as they can be read."""
    program = built(folder, Path(__file__).parent / "bandwidth.c", "-O3", "-march=native")

    def bandwidth(size: int) -> float:
        command = [str(program), str(size)]
        runs = [subprocess.check_output(command, stderr=subprocess.DEVNULL) for _ in range(3)]
        return statistics.median(map(float, runs))

    cache, memory = bandwidth(bytes_read), bandwidth(256_000_000)
    print(
        f"   {name} reads {bytes_read:,} bytes of weights each, {bytes_read * rate / 1e9:.1f} GB/s:"
        f" {bytes_read * rate / 1e9 / cache:.0%} of {cache:.1f} GB/s, with which a buffer as large"
        f" is read, and {bytes_read * rate / 1e9 / memory:.0%} of {memory:.1f} GB/s of memory"
    )


def memory_gru(folder: Path) -> None:
    spec = MemoryGRUSpec(width=WIDTH, tied=False)
    paths = {n: made(spec, SYMBOLS, PLACES, n, folder) for n in ("float32", "int16", "int8")}
    program = built(folder, Path(__file__).parent / "published_gru.c", "-O3")

    def published() -> float:
        sizes = [str(n) for n in (SYMBOLS, WIDTH, PLACES, CHARACTERS)]
        return float(subprocess.run([program, *sizes], capture_output=True, check=True).stdout)

    # Within the window, so that the engine too reads each character once.
    engines = [(n, speed_of(Engine(flat.of_file(path)), PLACES)) for n, path in paths.items()]
    rate = beside("memory-gru 0.2M, characters", *engines, ("its C program's way", published))
    # What a character adds to the gates is worked out beforehand: the head and the rest are read.
    limit(folder, "a character", 4 * WIDTH * (SYMBOLS + 7 * WIDTH), rate)
    pytorch = speed_of_pytorch(paths["float32"], PLACES)
    beside("the same", engines[0], ("PyTorch step by step", pytorch))


def with_attention(folder: Path) -> None:
    """A window is read, then characters are written behind it; the published chat program works out
    attention over the whole window for each."""
    width, heads, count = 384, 6, 24
    theirs = Published(SYMBOLS, width, WINDOW, heads)
    ours = from_state_dict(theirs.state_dict())
    content = flat_of(ours)
    assert content is not None
    whole = flat.of_file(made(ours.spec, SYMBOLS, WINDOW, "int8", folder))
    ids = [1 + n % (SYMBOLS - 1) for n in range(WINDOW + count)]

    def engine(content: bytes) -> Callable[[], float]:
        text = Engine(content).begin()
        text.read(ids[:WINDOW])

        def run() -> float:
            started = time.process_time()
            text.read(ids)
            return len(ids) / (time.process_time() - started)

        return run

    @torch.inference_mode()
    def published() -> float:
        hidden = memory = torch.zeros(1, width)
        started = time.process_time()
        for end in range(WINDOW, WINDOW + count):
            window_BT = torch.tensor([ids[end - WINDOW : end]])
            _, hidden, memory = theirs.next(window_BT, hidden, memory)
        return count / (time.process_time() - started)

    size = sum(parameter.numel() for parameter in ours.parameters())
    name = f"memory-gru with attention, {size:,} parameters, characters"
    engines = ("float32", engine(content)), ("int8", engine(whole))
    rate = beside(name, *engines, ("the published chat program's way", published))
    # A character's gates are worked out beforehand: qkv, out, the cell, writer and head are read.
    limit(folder, "a character", 4 * width * (14 * width + SYMBOLS), rate)


def llama2c_beside(folder: Path) -> None:
    """Greedy tokens, the same on both sides."""
    source, checkpoint = (Path(os.environ.get(name, "")) for name in ("LLAMA2C", "STORIES260K"))
    if not (source.is_file() and checkpoint.is_file()):
        print("   stories260K: left out, for LLAMA2C and STORIES260K name no run.c and checkpoint")
        return
    loaded = llama2c.load(checkpoint)
    content, count = flat_of(loaded.network), 200
    assert content is not None
    text = Engine(content).begin()

    def engine() -> float:
        started = time.process_time()
        for _ in range(5):
            text.restart()
            text.read([START])
            text.write(count, GREEDY)
        return 5 * count / (time.process_time() - started)

    def theirs(program: Path, tokens: int) -> tuple[float, str]:
        """Processor time, and what it wrote."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        tokenizer = str(checkpoint.with_name("tok512.bin"))
        command = [str(program), str(checkpoint), "-z", tokenizer, "-t", "0", "-n", str(tokens)]
        done = subprocess.run(command, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return spent, done.stdout.decode()

    def rate_of(*options: str) -> Callable[[], float]:
        program = built(folder, source, *options)

        def run() -> float:
            # What the program takes to begin is in both, and is not counted.
            many, few = theirs(program, count)[0], theirs(program, 1)[0]
            return (count - 1) / max(many - few, 1e-9)

        return run

    text.read([START])
    written = loaded.vocabulary.decode(text.write(count - 1, GREEDY))
    told = theirs(built(folder, source, "-O3", "-march=native"), count)[1]
    same = "the same text" if told.startswith(written) else "another text"
    rate = 0.0
    for options in (("-O3", "-march=native"), ("-Ofast", "-march=native")):
        name = f"run.c {' '.join(options)}"
        rate = beside(f"stories260K, {same}, tokens", ("engine", engine), (name, rate_of(*options)))
    limit(folder, "a token", 4 * loaded.parameters, rate)


def answers() -> None:
    model = load_answerer("zoo:arithmetic-12k")
    questions = [problem.question for problem in model.task.exam("valid")[:50]]

    def one_at_a_time(answer: Callable[[list[str]], list[str]]) -> Callable[[], float]:
        def run() -> float:
            # The other side has just filled the processor's caches with its own.
            answer(questions[:1])
            started = time.process_time()
            for question in questions:
                answer([question])
            return len(questions) / (time.process_time() - started)

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
    print(f"   cold calc {sum_}; import torch {torch_}: {sum_.median / torch_.median:.2f} of it")


def main() -> None:
    torch.set_num_threads(1)
    if library() is None:
        print("   the engine was not built here; `lilliput doctor` says what to do")
        return
    with tempfile.TemporaryDirectory() as folder:
        memory_gru(Path(folder))
        with_attention(Path(folder))
        llama2c_beside(Path(folder))
    answers()
    cold()
