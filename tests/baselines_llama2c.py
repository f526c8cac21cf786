"""A tiny checkpoint of llama2.c and its tokenizer, written by formula, and its forward pass and
`encode` done again, plainly and slowly, as run.c does them: a token at a time, a pair at a time.

E width, M MLP width, N heads, K key and value heads, H head size, V vocabulary.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np

WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, VOCABULARY, WINDOW = 16, 20, 2, 4, 2, 271, 12
HEAD = WIDTH // HEADS
PIECES = [
    "<unk>",
    "\n<s>\n",
    "\n</s>\n",
    *(f"<0x{byte:02X}>" for byte in range(256)),
    *(" ", "a", "b", "c", "é", "ab", " a", "bc", "abc", " ab", "a a", "  "),
]
SCORES = [0.0] * 259 + [-9.0, -8.0, -8.5, -8.6, -9.5, -2.0, -1.0, -2.0, -3.0, -1.5, -0.5, -4.0]
"""`ab` and `bc` score the same; `a a` goes over a space and scores best."""
SECTIONS = {
    "embedding": (VOCABULARY, WIDTH),
    "norm_1": (LAYERS, WIDTH),
    "wq": (LAYERS, WIDTH, WIDTH),
    "wk": (LAYERS, KV_HEADS * HEAD, WIDTH),
    "wv": (LAYERS, KV_HEADS * HEAD, WIDTH),
    "wo": (LAYERS, WIDTH, WIDTH),
    "norm_2": (LAYERS, WIDTH),
    "w1": (LAYERS, HIDDEN, WIDTH),
    "w2": (LAYERS, WIDTH, HIDDEN),
    "w3": (LAYERS, HIDDEN, WIDTH),
    "norm": (WIDTH,),
    "cosines": (WINDOW, HEAD // 2),
    "sines": (WINDOW, HEAD // 2),
    "head": (VOCABULARY, WIDTH),
}


def arrays(*, tied: bool = True) -> dict[str, np.ndarray[Any, Any]]:
    """Sines of quickly turning angles, so that no two numbers are alike."""
    made = {}
    for place, (name, shape) in enumerate(SECTIONS.items()):
        wave = np.sin(np.arange(np.prod(shape)) ** 1.5 * 0.37 + place).reshape(shape)
        if name.startswith("norm"):
            values = 1 + 0.3 * wave
        else:
            # Embeddings so small that the norm's epsilon counts.
            values = wave * (0.01 if name == "embedding" else 0.5)
        made[name] = values.astype("<f4")
    if tied:
        del made["head"]
    return made


def checkpoint(*, tied: bool = True) -> bytes:
    signed = VOCABULARY if tied else -VOCABULARY
    header = struct.pack("<7i", WIDTH, HIDDEN, LAYERS, HEADS, KV_HEADS, signed, WINDOW)
    return header + b"".join(array.tobytes() for array in arrays(tied=tied).values())


def tokenizer(pieces: list[str] = PIECES, scores: list[float] = SCORES) -> bytes:
    content = struct.pack("<i", max(len(piece.encode()) for piece in pieces))
    for piece, score in zip(pieces, scores, strict=True):
        content += struct.pack("<fi", score, len(piece.encode())) + piece.encode()
    return content


def write(folder: Path, *, tied: bool = True) -> Path:
    (folder / f"tok{VOCABULARY}.bin").write_bytes(tokenizer())
    path = folder / "tiny.bin"
    path.write_bytes(checkpoint(tied=tied))
    return path


def forward(ids: list[int], *, tied: bool = True) -> np.ndarray[Any, Any]:
    """Logits (T, V), a token and a head at a time, in doubles."""
    w = {name: array.astype(np.float64) for name, array in arrays(tied=tied).items()}
    keys: list[list[Any]] = [[] for _ in range(LAYERS)]
    values: list[list[Any]] = [[] for _ in range(LAYERS)]
    rows = []
    for place, number in enumerate(ids):
        x_E = w["embedding"][number].copy()
        for layer in range(LAYERS):
            h_E = rms(x_E, w["norm_1"][layer])
            q_E, k_E = w["wq"][layer] @ h_E, w["wk"][layer] @ h_E
            turn(q_E, place)
            turn(k_E, place)
            keys[layer].append(k_E)
            values[layer].append(w["wv"][layer] @ h_E)
            found_E = np.zeros(WIDTH)
            for head in range(HEADS):
                mine = slice(head * HEAD, (head + 1) * HEAD)
                shared = head // (HEADS // KV_HEADS)
                theirs = slice(shared * HEAD, (shared + 1) * HEAD)
                scores = np.array([q_E[mine] @ key[theirs] for key in keys[layer]]) / HEAD**0.5
                weights = np.exp(scores - scores.max())
                weights /= weights.sum()
                for weight, value in zip(weights, values[layer], strict=True):
                    found_E[mine] += weight * value[theirs]
            x_E += w["wo"][layer] @ found_E
            h_E = rms(x_E, w["norm_2"][layer])
            gate_M = w["w1"][layer] @ h_E
            x_E += w["w2"][layer] @ (gate_M / (1 + np.exp(-gate_M)) * (w["w3"][layer] @ h_E))
        rows.append((w["embedding"] if tied else w["head"]) @ rms(x_E, w["norm"]))
    return np.array(rows)


def rms(x_E: np.ndarray[Any, Any], gain_E: np.ndarray[Any, Any]) -> Any:
    return gain_E * x_E / np.sqrt((x_E * x_E).mean() + 1e-5)


def turn(x: np.ndarray[Any, Any], place: int) -> None:
    """Neighbours by an angle that shrinks along the head, in place."""
    for i in range(0, len(x), 2):
        angle = place / 10_000 ** ((i % HEAD) / HEAD)
        a, b = x[i], x[i + 1]
        x[i] = a * np.cos(angle) - b * np.sin(angle)
        x[i + 1] = a * np.sin(angle) + b * np.cos(angle)


def encode(text: str, pieces: list[str], scores: list[float]) -> list[int]:
    """All pairs are looked at again after each merge."""
    ids: list[int] = []
    for character in " " + text if text else "":
        known = character in pieces
        ids += [pieces.index(character)] if known else [b + 3 for b in character.encode()]
    while True:
        best, best_score = None, -1e10
        for i in range(len(ids) - 1):
            piece = pieces[ids[i]] + pieces[ids[i + 1]]
            if piece in pieces and scores[pieces.index(piece)] > best_score:
                best, best_score = i, scores[pieces.index(piece)]
        if best is None:
            return ids
        ids[best : best + 2] = [pieces.index(pieces[ids[best]] + pieces[ids[best + 1]])]
