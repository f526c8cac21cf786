"""The bench of storytellers: found beside wanted, from the record and measured again."""

import re
import sys
from pathlib import Path

import pytest
from text_toys import write_stories

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import stories
from lilliput.errors import UserError
from lilliput.zoo import entries

TOLD = {entry.name: entry for entry in entries() if entry.format == "stories"}
BITS = {name: stories.recorded(entry) for name, entry in TOLD.items()}
PUBLISHED = {name: bits for name, (_, bits) in stories.PUBLISHED.items()}


def lines(bits: dict[str, float], lost: float = 0.0003) -> list[str]:
    return [str(row) for row in stories.rows(bits, PUBLISHED, lost, stories.INT8_LOSS)]


def test_what_is_on_record_reaches_what_is_wanted() -> None:
    told = lines(BITS)
    assert not [line for line in told if "MISSED" in line]
    for number, words in enumerate(
        [
            "211,008 parameters (at most 211,147): 1.034 (reach: 1.100; published: 1.327, 1.351",
            "in int8, 211,008 parameters (at most 211,147): 1.035 (reach: 1.100; published: 1.327",
            "1.034 (reach: 1.040; published: 0.996 at 260,032)",
            "59,880 parameters (at most 60,000): 1.308 (reach: 1.327; published: 1.327 at 211,147)",
            "210,081 parameters (at most 211,147): 1.191 (reach: 1.220; published: 1.327",
            "0.0003 (reach: 0.0032; published: 0.0065)",
        ]
    ):
        assert words in told[number]


def test_what_is_not_reached_is_said() -> None:
    worse = {name: bits + 0.07 for name, bits in BITS.items()}
    assert [line.endswith(": MISSED") for line in lines(worse, 0.0033)] == [True] * 6
    row = stories.Row("x", 1.0, 1.1, "", parameters=60_001, most=60_000)
    assert str(row).endswith("MISSED")
    assert not str(row._replace(parameters=60_000)).endswith("MISSED")


def test_without_a_folder_the_record_is_printed_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STORIES", raising=False)
    monkeypatch.setattr(stories, "EXCERPT", write_stories(tmp_path / "few.txt", range(3)))
    stories.main()
    out = capsys.readouterr().out
    assert "as zoo.toml has them (STORIES=FOLDER measures them again)" in out
    assert "stories-211k, 211,008 parameters (at most 211,147): 1.034 (reach" in out
    assert "decoding (reach: 5 x the published way) and a training step (reach: 3 x)" in out


def test_with_a_folder_all_that_is_there_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STORIES", str(tmp_path))
    with pytest.raises(UserError, match=r"without stories-test-v1\.txt"):
        stories.main()
    for number, name in enumerate(stories.TEXTS):
        write_stories(tmp_path / name, range(3 * number, 3 * number + 3))
    stories.main()
    out = capsys.readouterr().out
    assert "together, measured now:" in out
    for name in stories.PUBLISHED:
        assert f"{name} is not there: its score is the one on record" in out
    # Words in a random order are no story.
    found = re.search(r"stories-211k, .*?: ([\d.]+) \(reach", out)
    assert found is not None
    assert float(found[1]) > 2
    assert out.count("MISSED") >= 5
