"""What shapes the engine decodes (`sensible` and `matrix` of file.c have the same limits), so that
others are left to PyTorch before a file for it is made."""

from lilliput.specs.model import ModelSpec

MOST_BLOCKS = 48
"""As model.h has it."""
_WIDEST, _WIDEST_INT8 = (1 << 20) - 1, 4096


def over_limit(model: ModelSpec, numbers: str) -> str:
    """Why the engine cannot decode a model, such as `its 60 layers are more than the engine's 48`;
    empty: it can.

    Args:
        numbers: float32, int16 or int8.
    """
    widths = ("width", "attention_width", "mlp_width", "embedding_width", "state_width", "rank")
    widest = _WIDEST_INT8 if numbers == "int8" else _WIDEST
    limits = (
        (model.layers, MOST_BLOCKS, "layers"),
        (getattr(model, "convolution", 0), 64, "characters of a convolution"),
        (
            max(getattr(model, name, 0) for name in widths),
            widest,
            "columns of a matrix in int8" if numbers == "int8" else "columns of a matrix",
        ),
    )
    for count, most, what in limits:
        if count > most:
            return f"its {count:,} {what} are more than the engine's {most:,}"
    return ""
