"""Generic greedy and sampled decoding: prompt in, characters out until the end mark.

Knows nothing of what the text means. Shapes: B rows, T tokens, V vocabulary.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from math import log

import torch
from torch import Tensor, nn

from lilliput.exam.reader import Tokenizer
from lilliput.specs.sampling import PLAIN, Sampling
from lilliput.tasks.tokens import AnyVocabulary
from lilliput.tasks.vocabulary import END

Answerer = Callable[[Sequence[str]], list[str]]
"""Anything that continues text: prompts in; out, for each, what it writes up to and with the end
mark, or without one where it did not come to an end."""


def answerer(
    model: nn.Module,
    vocabulary: AnyVocabulary,
    limit: int,
    *,
    longest: int = 0,
    start: str = "",
    batch: int = 1024,
    answered: Callable[[int], None] = lambda number: None,
) -> Answerer:
    """A model as an Answerer.

    Args:
        model: has `begin`, `extend` and `pick` as the families do.
        limit: numbers (characters or tokens) of prompt and answer together after which decoding
            stops.
        longest: numbers of an answer alone after which it stops; 0: only `limit` counts. What
            reads a whole block would else fill it wherever it forgets the end mark.
        start: text put before every prompt (the end mark, where a model was trained on streams).
        batch: prompts decoded at once.
        answered: is told of each batch how many prompts it was.
    """

    def answer(prompts: Sequence[str]) -> list[str]:
        answers = [""] * len(prompts)
        ids_P = [vocabulary.encode(start + prompt) for prompt in prompts]
        for rows in _same_length(prompts, ids_P, batch):
            asked = [ids_P[row] for row in rows]
            most = min(limit, len(asked[0]) + longest) if longest else limit
            texts = greedy(model, vocabulary, asked, most)
            for row, text in zip(rows, texts, strict=True):
                answers[row] = text
            answered(len(rows))
        return answers

    return answer


def _same_length(
    prompts: Sequence[str], ids_P: Sequence[Sequence[int]], batch: int
) -> Iterator[list[int]]:
    """Row numbers in groups of at most `batch` whose prompts are of one length: no padding."""
    lengths: dict[int, list[int]] = {}
    for row, ids in enumerate(ids_P):
        lengths.setdefault(len(ids), []).append(row)
    for length in sorted(lengths):
        rows = lengths[length]
        # Neighbours in text order have answers of like length, so a batch ends together.
        rows.sort(key=lambda row: [c for c in prompts[row] if not c.isdigit()])
        for begin in range(0, len(rows), batch):
            yield rows[begin : begin + batch]


@torch.inference_mode()
def greedy(
    model: nn.Module, vocabulary: AnyVocabulary, prompts: Sequence[Sequence[int]], limit: int
) -> list[str]:
    """The most likely continuation of prompts of one length, as numbers, up to and with the end
    mark."""
    device, end = next(model.parameters()).device, vocabulary.end_number
    ids_BT = torch.tensor(prompts, device=device)
    logits_BV, state = model.extend(ids_BT, model.begin(len(prompts)))  # type: ignore[operator]
    waiting = torch.arange(len(prompts), device=device)
    steps = limit - ids_BT.shape[1]
    out_BS = torch.zeros(len(prompts), max(steps, 0), dtype=torch.long, device=device)
    lengths = [0] * len(prompts)
    for step in range(steps):
        next_B = logits_BV.argmax(dim=-1)
        out_BS[waiting, step] = next_B
        going = (next_B != end).nonzero().squeeze(1)
        if len(going) < len(waiting):
            for row in waiting[next_B == end].tolist():
                lengths[row] = step + 1
            # Rows that have ended are dropped once they are many: picking copies the state.
            waiting, next_B = waiting[going], next_B[going]
            if not len(waiting):
                break
            state = model.pick(state, going)  # type: ignore[operator]
        if step + 1 < steps:
            logits_BV, state = model.extend(next_B[:, None], state)  # type: ignore[operator]
    for row in waiting.tolist():
        lengths[row] = steps
    return [
        vocabulary.decode(ids[:length])
        for ids, length in zip(out_BS.tolist(), lengths, strict=True)
    ]


@torch.inference_mode()
def sample(
    model: nn.Module,
    vocabulary: Tokenizer,
    prompt: str,
    *,
    limit: int,
    sampling: Sampling = PLAIN,
    seed: int = 0,
    ends: Collection[int] = (0,),
) -> Iterator[str]:
    """A random continuation of `prompt`, a token at a time, until an end mark or `limit`.

    Args:
        limit: tokens of prompt and answer together.
        ends: numbers of the tokens that end a text; the one that did is given out too.
    """
    generator = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    ids_BT = torch.tensor([vocabulary.encode(prompt)], device=device)
    logits_BV, state = model.extend(ids_BT, model.begin(1))  # type: ignore[operator]
    for length in range(ids_BT.shape[1], limit):
        chosen = draw(logits_BV[0], sampling, generator)
        yield vocabulary.decode([chosen])
        if chosen in ends or length + 1 == limit:
            return
        ids_BT = torch.tensor([[chosen]], device=device)
        logits_BV, state = model.extend(ids_BT, state)  # type: ignore[operator]


def draw(logits_V: Tensor, sampling: Sampling, generator: torch.Generator) -> int:
    """One token's number, drawn from `weights`; at temperature 0 the likeliest."""
    if sampling.temperature == 0:
        return int(logits_V.float().cpu().argmax())
    return int(torch.multinomial(weights(logits_V, sampling), 1, generator=generator))


def weights(logits_V: Tensor, sampling: Sampling) -> Tensor:
    """Probabilities of the next token, once filtered and heated; `Sampling` has the order.

    Args:
        sampling: of a temperature above 0.
    """
    logits_V = logits_V.float().cpu()
    if 0 < sampling.top_k < len(logits_V):
        least = logits_V.topk(sampling.top_k).values[-1]
        logits_V = logits_V.masked_fill(logits_V < least, float("-inf"))
    if sampling.top_p < 1:
        sorted_V = logits_V.sort(descending=True).values
        through_V = torch.softmax(sorted_V.double(), dim=-1).cumsum(dim=-1)
        # A token is needed where those before it do not reach top_p; the first always is.
        needed = 1 + int((through_V[:-1] < sampling.top_p).sum())
        logits_V = logits_V.masked_fill(logits_V < sorted_V[needed - 1], float("-inf"))
    # From the maximum, and in doubles: a tiny temperature then leaves the likeliest, not 0 / 0.
    apart_V = (logits_V - logits_V.max()).double()
    if sampling.min_p > 0:
        apart_V = apart_V.masked_fill(apart_V < log(sampling.min_p), float("-inf"))
    return torch.softmax(apart_V / sampling.temperature, dim=-1).float()


def without_end(text: str) -> tuple[str, bool]:
    """The answer without its end mark, and whether it had one."""
    return text.removesuffix(END), text.endswith(END)
