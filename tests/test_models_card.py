"""A model file's card is read from its header alone, however many weights lie behind it."""

import json
import os
from pathlib import Path

from lilliput.models.modelfile import read_card
from lilliput.zoo import path_of


def test_reading_a_card_reads_no_weights(tmp_path: Path) -> None:
    """`serve` reads the cards of all runs each time that its list is asked for."""
    small, path, end = path_of("addition-368"), tmp_path / "huge.safetensors", 1 << 40
    content = small.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    header["huge"] = {"dtype": "I8", "shape": [end], "data_offsets": [0, end]}
    table = json.dumps(header).encode()
    path.write_bytes(len(table).to_bytes(8, "little") + table)
    os.truncate(path, 8 + len(table) + end)  # no disk holds it
    assert read_card(path) == read_card(small)
