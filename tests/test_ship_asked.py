"""What shipped models make of what people type, and where they stop: as `calc` does."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from lilliput.engine import flat
from lilliput.engine.binding import library
from lilliput.faces.cli import main
from lilliput.lab.load import load_answerer
from lilliput.shipping import exe, source, wasm
from lilliput.tasks.formats import AnswerFormat
from lilliput.zoo import path_of

pytestmark = pytest.mark.skipif(library() is None, reason="no C compiler when this was installed")
WORKED = "zoo:worked-10k"
TYPED = [
    "12 + 24", "12 × 3", "2·3", "12 ÷ 5", "12 − 5", "12 + 24 =", "12+24= ", "12\t+\t24", " 5+3 ",
    "007*3", "12.0 + 3", "-0 + 3", "100 - 1234", "99999999999 + 1",
]  # fmt: skip
REFUSED = {
    "1000 / 100": "1000 / 100 is too long for this model, which reads 687 characters",
    "12 / 0": "12 / 0 has no answer: division by zero; divide by another",
    "12 / -0.0": "12 / -0.0 has no answer: division by zero; divide by another",
    "-3 + 4": "-3 + 4 has an operand that is no whole number of 0 or more",
    "5 - −3": "has an operand that is no whole number of 0 or more",
    "1.5 + 2": "1.5 + 2 has an operand that is no whole number of 0 or more",
    "1 + 1 = =": "write a sum of two whole numbers",
    "1 + 1.": "write a sum of two whole numbers",
    "12 ^ 3": "write a sum of two whole numbers",
    "1 + 1234567890123456789": "write a sum of two whole numbers",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a calculator as a program, and a run of a file of questions."""
    with chdir(tmp_path_factory.mktemp("home")) as _:
        Path("q.tsv").write_text("1+1\t2\ncapital of France\tParis\n")
        line = "train gru --task lines --file q.tsv --width 4 --steps 2 --name cap"
        assert main(line.split()) == 0
        assert main(["ship", WORKED, "--out", "worked"]) == 0
        yield Path.cwd()


def calc(typed: str, capsys: pytest.CaptureFixture[str], model: str = WORKED) -> str:
    capsys.readouterr()
    assert main(["calc", f" {typed}", "--model", model]) == 0
    return re.sub(r"   \([^()]* m?s\)\n$", "", capsys.readouterr().out)


def in_node(path: Path, questions: list[str]) -> list[str]:
    """What the page's engine says, questions as it read them in front."""
    if shutil.which("node") is None:
        pytest.skip("no node")
    Path("model.flat").write_bytes(flat.of_file(path))
    script = """
        const read = require("fs").readFileSync;
        const engine = new Engine(read(process.argv[2]), read("model.flat"));
        console.log(JSON.stringify(JSON.parse(process.argv[3]).map((question) => {
          try {
            const answer = engine.ask(question);
            return `${engine.asked} = ${answer}`;
          } catch (error) { return error.message; }
        })));
    """
    Path("ask.cjs").write_text(wasm.part("engine.js") + script)
    command = ["node", "ask.cjs", str(wasm.WASM), json.dumps(questions)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [str(text) for text in json.loads(done.stdout)]


def test_a_program_reads_what_calc_reads(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for typed in TYPED:
        done = subprocess.run(["./worked", typed], capture_output=True, text=True, timeout=60)
        assert done.stdout == calc(typed, capsys) + "\n"
        assert done.returncode == 0


def test_a_page_reads_what_calc_reads(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_node(path_of("worked-10k"), TYPED) == [calc(typed, capsys) for typed in TYPED]


def test_what_is_no_number_is_shortened(home: Path) -> None:
    (said,) = load_answerer(WORKED).said(["99999999999 + 1"])
    assert re.fullmatch(r"'.{30}…' \(cannot be read as a number\)", said)
    assert len(load_answerer(WORKED)("99999999999 + 1")) > 600, "of a program's caller all"


def test_a_program_refuses_what_calc_refuses(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for typed, words in REFUSED.items():
        assert main(["calc", f" {typed}", "--model", WORKED]) == 2
        done = subprocess.run(["./worked", typed], capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr


def test_a_page_refuses_what_calc_refuses(home: Path) -> None:
    said = in_node(path_of("worked-10k"), list(REFUSED))
    for text, words in zip(said, REFUSED.values(), strict=True):
        assert words in text


FORMATS = [
    (kind, digits, decimals)
    for kind in ("plain", "reversed", "padded", "worked")
    for digits in (1, 2, 4)
    for decimals in (0, 1, 2)
]


def longest() -> list[int]:
    """Of every format and operation, as tasks.formats has it."""
    return [
        AnswerFormat(kind=kind, reverse="", digits=digits, decimals=decimals).longest_answer(sign)  # type: ignore[arg-type]
        for kind, digits, decimals in FORMATS
        for sign in "+-*/"
    ]


def test_a_program_knows_how_long_answers_are(tmp_path: Path) -> None:
    body = re.search(r"^static int longest_answer\(void\).*?^}", source.read("api.c"), re.M | re.S)
    assert body is not None
    rows = ", ".join(
        f"{{{('plain', 'reversed', 'padded', 'worked').index(kind)}, {digits}, {decimals}}}"
        for kind, digits, decimals in FORMATS
    )
    (tmp_path / "longest.c").write_text(f"""#include <stdio.h>
enum {{ PLAIN, REVERSED, PADDED, WORKED, LINES, TEXT }};
typedef struct {{ int format, digits, decimals; }} Fields;
static struct {{ Fields is; }} model;
static char operation;
{body[0]}
int main(void)
{{
    static const Fields rows[] = {{{rows}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (const char *sign = "+-*/"; *sign; sign++) {{
            model.is = rows[i];
            operation = *sign;
            printf("%d\\n", longest_answer());
        }}
}}
""")
    command = [*exe.compiler(), "-o", str(tmp_path / "longest"), str(tmp_path / "longest.c")]
    subprocess.run(command, check=True)
    done = subprocess.run([tmp_path / "longest"], capture_output=True, text=True, check=True)
    assert [int(line) for line in done.stdout.split()] == longest()


def test_a_page_knows_how_long_answers_are(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("no node")
    script = """
        const rows = JSON.parse(process.argv[2]);
        console.log(JSON.stringify(rows.flatMap(([format, digits, decimals]) =>
          [..."+-*/"].map((sign) => longestAnswer({ digits, decimals }, format, sign)))));
    """
    (tmp_path / "longest.cjs").write_text(wasm.part("engine.js") + script)
    command = ["node", str(tmp_path / "longest.cjs"), json.dumps(FORMATS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == longest()


@pytest.mark.parametrize("form", ["c", "exe", "wasm", "mcu", "onnx", "hf", "safetensors"])
def test_answers_to_lines_end_where_calc_ends_them(
    home: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two steps teach no end mark: what is said is as long as it may be."""
    needs = {"onnx": "onnxruntime", "hf": "transformers"}
    if form in needs:
        pytest.importorskip(needs[form])
    question = "capital of France"
    answer = load_answerer("cap")(question)
    assert len(answer) == len("Paris\n")
    assert main(["ship", "runs/cap", "--as", form, "--out", f"made-{form}"]) == 0
    said = capsys.readouterr().out
    ran = {"wasm": "node", "mcu": "qemu-system-arm"}.get(form, "python3")
    if shutil.which(ran) and (form != "mcu" or "linked" in said):
        assert ", checked: 2 texts as " in said
    if form == "exe":
        done = subprocess.run(["./made-exe", question], capture_output=True, text=True, timeout=60)
        assert done.stdout == f"{question}\t{answer}\n"
