"""Small checkpoints of nanoGPT's layout, whose weights have a closed form, so that numbers hold
anywhere; for the tests of what reads them."""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ARITHMETIC = "\n *+-./0123456789="
WIDTH, HEADS, LAYERS, WINDOW = 8, 2, 2, 24


def shapes(vocabulary: int, bias: bool) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a state dict, in nanoGPT's order."""
    made: dict[str, tuple[int, ...]] = {
        "transformer.wte.weight": (vocabulary, WIDTH),
        "transformer.wpe.weight": (WINDOW, WIDTH),
    }
    for i in range(LAYERS):
        for name, shape in {
            "ln_1": (WIDTH,),
            "attn.c_attn": (3 * WIDTH, WIDTH),
            "attn.c_proj": (WIDTH, WIDTH),
            "ln_2": (WIDTH,),
            "mlp.c_fc": (4 * WIDTH, WIDTH),
            "mlp.c_proj": (WIDTH, 4 * WIDTH),
        }.items():
            made[f"transformer.h.{i}.{name}.weight"] = shape
            if bias:
                made[f"transformer.h.{i}.{name}.bias"] = shape[:1]
    made["transformer.ln_f.weight"] = (WIDTH,)
    if bias:
        made["transformer.ln_f.bias"] = (WIDTH,)
    return made


def state_dict(vocabulary: int, bias: bool) -> dict[str, Tensor]:
    made = {}
    for number, (name, shape) in enumerate(shapes(vocabulary, bias).items()):
        count = int(torch.tensor(shape).prod())
        places = torch.arange(count, dtype=torch.float64)
        made[name] = (0.7 * torch.sin(places * (number + 1.7) + number)).float().view(shape)
    made["lm_head.weight"] = made["transformer.wte.weight"]
    return made


def checkpoint(vocabulary: int, bias: bool = False, prefix: str = "") -> dict[str, Any]:
    """What nanoGPT's train.py saves, with the parts that are not read here."""
    weights = state_dict(vocabulary, bias)
    sizes = {"n_layer": LAYERS, "n_head": HEADS, "n_embd": WIDTH, "block_size": WINDOW}
    config = {
        **sizes, "bias": bias, "dropout": 0.1, "dataset": "sums", "max_iters": 50,
        "lr_decay_iters": 50, "warmup_iters": 4, "learning_rate": 1e-3, "min_lr": 1e-4,
        "batch_size": 8, "gradient_accumulation_steps": 1, "eval_interval": 25, "device": "cpu",
    }  # fmt: skip
    return {
        "model": {prefix + name: tensor for name, tensor in weights.items()},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3}]},
        "model_args": {**sizes, "bias": bias, "vocab_size": vocabulary, "dropout": 0.1},
        "iter_num": 50,
        "best_val_loss": torch.tensor(1.5),
        "config": config,
    }


def write(folder: Path, symbols: str = ARITHMETIC, **options: Any) -> Path:
    """A checkpoint and its meta.pkl in a folder; the checkpoint's path."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(checkpoint(len(symbols), **options), folder / "ckpt.pt")
    write_meta(folder / "meta.pkl", symbols)
    return folder / "ckpt.pt"


def write_meta(path: Path, symbols: str) -> None:
    itos = dict(enumerate(symbols))
    stoi = {symbol: number for number, symbol in itos.items()}
    path.write_bytes(pickle.dumps({"vocab_size": len(symbols), "itos": itos, "stoi": stoi}))
