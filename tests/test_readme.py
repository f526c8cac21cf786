"""README's own examples: what it shows is what is printed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_second_command_prints_what_is_shown() -> None:
    match = re.search(r"```\n\.venv/bin/lilliput (.*?)\n```\n\n```\n(.*?)```", README, re.S)
    assert match is not None
    argv = [sys.executable, "-m", "lilliput", *shlex.split(match[1])]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert untimed(done.stdout) == untimed(match[2])


def test_the_python_block_does_what_its_comments_say(tmp_path: Path) -> None:
    block = re.search(r"```python\n(.*?)```", README, re.S)
    assert block is not None
    lines = [line.rstrip() for line in block[1].splitlines()]
    code = [
        re.sub(r"^(\S.*?)  # (['\d].*)$", r"assert repr(\1) == repr(\2)", line) for line in lines
    ]
    assert code != lines
    subprocess.run([sys.executable, "-c", "\n".join(code)], check=True, cwd=tmp_path)


def untimed(text: str) -> str:
    """Without what depends on the machine."""
    return re.sub(r"\(0\.\d+ s\)", "(… s)", text.rstrip())
