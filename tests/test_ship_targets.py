"""Programs for other machines: their names, their files, and machines without an engine."""

import subprocess
from pathlib import Path

import pytest

from lilliput.faces.cli import main
from lilliput.lab.shipped import Shipped
from lilliput.shipping import exe, targets
from lilliput.shipping.source import one_file

LISTED = """.{
    .arch = .{ "aarch64", "s390x" },
    .libc = .{
        "aarch64-linux-musl",
        "aarch64-linux-gnu",
        "aarch64-macos-none",
        "powerpc64-linux-musl",
        "x86_64-linux-gnu",
        "x86_64-linux-musl",
        "x86_64-windows-gnu",
    },
    .glibc = .{ "2.0.0" },
}"""


@pytest.fixture(autouse=True)
def zig(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if it were here."""
    monkeypatch.setattr(targets, "known_targets", lambda: targets.read_targets(LISTED))


def test_known_targets_are_read_from_zigs_list() -> None:
    assert "aarch64-macos" in targets.known_targets()
    assert not {"aarch64", "2.0.0", "powerpc64-linux-musl"} & set(targets.known_targets())
    for good in ("aarch64-macos", "aarch64-macos.13", "x86_64-linux", "x86_64-linux-gnu.2.17"):
        targets.check_target(good)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("powerpc64-linux-musl", "powerpc64 is a big-endian machine"),
        ("s390x-linux-gnu", "s390x is a big-endian machine"),
        ("aarch64-linux-mus", "near it: aarch64-linux-musl, aarch64-linux-gnu, "),
        ("x86_64-linux-glibc", "near it: x86_64-linux-gnu, x86_64-linux-musl, "),
        ("x86_64", "no target 'x86_64' to make a program for"),
        ("qqqq", "near it: x86_64-linux-musl, aarch64-linux-musl, x86_64-windows-gnu"),
    ],
)
def test_what_is_no_target_is_refused_before_anything_is_compiled(
    target: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made"
    assert main(["ship", "zoo:addition-368", "--target", target, "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert len(said) < 300
    assert not out.exists()


def test_without_zig_a_big_endian_machine_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "known_targets", tuple)
    with pytest.raises(Exception, match="big-endian"):
        targets.check_target("mips-linux-musleabi")
    targets.check_target("zig-would-know")


def test_programs_for_several_targets_have_names_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def ship(name: str, form: str, numbers: str, out: Path, target: str) -> Shipped:
        return Shipped(out, 1, 1)

    monkeypatch.setattr("lilliput.lab.ship.ship", ship)
    for target in ("", "aarch64-linux-musl", "x86_64-linux-musl", "x86_64-windows-gnu"):
        assert main(["ship", "zoo:addition-368", *(["--target", target] if target else [])]) == 0
    assert [line.split(",")[0] for line in capsys.readouterr().out.splitlines()] == [
        "addition-368",
        "addition-368-aarch64-linux-musl",
        "addition-368-x86_64-linux-musl",
        "addition-368-x86_64-windows-gnu.exe",
    ]


def test_a_c_file_says_so_to_a_big_endian_compiler(tmp_path: Path) -> None:
    source = tmp_path / "model.c"
    source.write_text(one_file(bytes(24), 64, 2, "a card"))
    command = [
        *exe.compiler(),
        "-w",
        "-U__BYTE_ORDER__",
        "-D__BYTE_ORDER__=4321",
        "-E",
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "little-endian machines alone" in done.stderr
