"""Parts of a model of transformers: fewer of its blocks, the part of it that is trained, and
low-rank matrices beside its own (LoRA, by peft). Knows no file and no tokenizer.
"""

import copy
import json
from typing import Any

import torch
from torch import nn

from lilliput.errors import LilliputError, SpecError
from lilliput.models.hf import HFNetwork, config_of, config_text, network_of
from lilliput.specs.hf import HFSpec


def blocks_of(model: Any) -> tuple[str, nn.ModuleList]:
    """The list of a model's blocks, and its name.

    Raises:
        SpecError: the model has none that can be told.
    """
    number = model.config.get_text_config().num_hidden_layers
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == number:
            return name, module
    raise SpecError(
        f"the blocks of this kind of model ({model.config.model_type}) cannot be told apart:"
        " leave out --every, --last and --lora"
    )


def count_words(number: int) -> str:
    return f"{number} block{'s' if number != 1 else ''}"


def check_every(network: HFNetwork, every: int) -> None:
    """Raises SpecError where a model has not as many blocks as one is to be kept of."""
    number = len(blocks_of(network.model)[1])
    if 1 < number < every:
        raise SpecError(
            f"every {every} is more than the model's {count_words(number)}: --every {number} keeps"
            " the first alone"
        )


def with_every(network: HFNetwork, every: int) -> HFNetwork:
    """The same network with every so manieth block alone, the first among them.

    Raises:
        SpecError: it has no block to drop.
    """
    prefix, blocks = blocks_of(network.model)
    kept = range(0, len(blocks), every)
    if len(kept) == len(blocks):
        raise SpecError(
            f"the model has {count_words(len(blocks))}, and of every {every} one is kept: there is"
            " none to drop; leave out --every"
        )
    smaller = network_of(_fewer(network.model.config, len(blocks), every))
    weights = dict(network.model.named_parameters())
    with torch.no_grad():
        for name, parameter in smaller.model.named_parameters():
            head, dot, rest = name.removeprefix(f"{prefix}.").partition(".")
            if name.startswith(f"{prefix}.") and dot:
                name = f"{prefix}.{kept[int(head)]}.{rest}"
            parameter.copy_(weights[name])
    return smaller


def _fewer(config: Any, number: int, every: int) -> Any:
    """The config of a model with every so manieth block; what it lists block by block too."""
    fields: dict[str, Any] = json.loads(config_text(config))
    for name, value in fields.items():
        if isinstance(value, list) and len(value) == number:
            fields[name] = value[::every]
    if "attention_types" in fields:  # GPT-Neo's, of which the list of its blocks is made
        fields["attention_types"] = [[fields["attention_layers"], 1]]
    name = config.attribute_map.get("num_hidden_layers", "num_hidden_layers")
    fields[name] = len(range(0, number, every))
    return config_of(json.dumps(fields))


def choose_trained(network: HFNetwork, spec: HFSpec, seed: int) -> None:
    """Leaves what the spec wants trained and freezes the rest; LoRA's matrices are drawn from the
    seed.

    Raises:
        SpecError: there are not as many blocks, or the matrices are smaller than LoRA's rank.
        LilliputError: peft is not installed.
    """
    if spec.lora:
        _add_lora(network, spec.lora, seed)
    if not spec.last:
        return
    prefix, blocks = blocks_of(network.model)
    if spec.last > len(blocks):
        raise SpecError(
            f"last {spec.last} is more than the model's {count_words(len(blocks))}: give --last"
            f" {len(blocks)} or less, or leave it out to train everything"
        )
    first, behind = len(blocks) - spec.last, False
    for name, parameter in network.model.named_parameters():
        head = name.removeprefix(f"{prefix}.").partition(".")[0]
        inside = name.startswith(f"{prefix}.")
        behind = behind or inside
        # What is written after the blocks comes after them; a tied output stands before, once.
        parameter.requires_grad_(behind and (not inside or int(head) >= first))


def _add_lora(network: HFNetwork, rank: int, seed: int) -> None:
    try:
        import peft
    except ImportError:
        raise LilliputError(
            "LoRA needs peft, which is not installed; type `pip install peft`"
        ) from None
    prefix, blocks = blocks_of(network.model)
    # GPT-2 keeps its matrices in a layer of transformers' own, with inputs as rows.
    matrices = [
        f"{prefix}.{name}"
        for name, module in blocks.named_modules()
        if getattr(module, "weight", None) is not None and module.weight.ndim == 2
    ]
    modules: list[Any] = [network.model.get_submodule(name) for name in matrices]
    sides = [side for module in modules for side in module.weight.shape]
    if rank > min(sides):
        raise SpecError(
            f"lora {rank:,} is more than the smallest side of the matrices inside the blocks"
            f" ({min(sides):,}), and no product of two has a higher rank: give --lora"
            f" {min(sides)} or less, usually 4 to 16, or leave it out to train everything"
        )
    conv1d = any(type(module).__name__ == "Conv1D" for module in modules)
    config = peft.LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules=matrices, fan_in_fan_out=conv1d
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        peft.inject_adapter_in_model(config, network.model)


def merged(network: HFNetwork) -> HFNetwork:
    """The same network with LoRA's products added to its matrices; itself where it has none."""
    layers = [name for name, module in network.named_modules() if hasattr(module, "lora_A")]
    if not layers:
        return network
    whole = copy.deepcopy(network)
    for name in layers:
        layer: Any = whole.get_submodule(name)
        layer.merge()
        parent, _, child = name.rpartition(".")
        setattr(whole.get_submodule(parent), child, layer.get_base_layer())
    return whole.requires_grad_(True)
