"""The one training loop of all families. The loss is a pure function of (parameters, batch).

Knows no files and no search. Shapes: B rows, T characters, S positions with logits, V vocabulary.
"""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lilliput.errors import FileError, LilliputError
from lilliput.exam.forced import forced_right
from lilliput.exam.reader import Reader
from lilliput.models.gpt import GPT
from lilliput.models.hf import HFNetwork
from lilliput.models.hf_parts import merged
from lilliput.models.spectrum import leash
from lilliput.specs.run import RunSpec
from lilliput.tasks.stories import Stories
from lilliput.tasks.task import Task
from lilliput.training.answers import lessons_of
from lilliput.training.batches import IGNORED, Batches, Chunk
from lilliput.training.begin import Begin, begin
from lilliput.training.device import half_precision, to_device
from lilliput.training.loss import loss_of
from lilliput.training.optimizer import clip, load_tensors, optimizers_of, set_rates, tensors_of
from lilliput.training.parts import check_room, in_parts, place_bytes
from lilliput.training.record import Record
from lilliput.training.start import take_over
from lilliput.training.teacher import Teacher, teacher_of
from lilliput.training.validate import Validation, validate
from lilliput.training.windows import Windows


class Training:
    """One run in memory: model, optimizers and step, and how to go on. Its state goes to bytes
    and back; a restored run ends with the same weights, bit for bit on the same CPU and threads."""

    def __init__(
        self,
        spec: RunSpec,
        task: Task,
        device: torch.device | None = None,
        begun: Begin | None = None,
        teacher: Path | None = None,
        answers: Path | None = None,
    ) -> None:
        """
        Args:
            begun: what it starts from; None: as the spec says.
            teacher: the model file of the spec's teacher; None: no step will be asked for, or the
                spec has none.
            answers: where the teacher's answers are kept; None: it is asked again.
        """
        self.spec, self.task = spec, task
        self._files = teacher, answers
        self.device = device or torch.device("cpu")
        training = spec.training
        begun = begun or begin(spec, task)
        self.model, self.vocabulary, self.context, self.outside = begun
        self.start = self.vocabulary.end if training.opens_with_end else ""
        loops = getattr(spec.model, "loops", 1)
        self._a_place = place_bytes(self.model, loops, len(self.vocabulary))
        check_room(self.model, self.context, self._a_place, self.device)
        self.model.to(self.device)
        self.optimizers = optimizers_of(self.model, training)
        self.averaged = (
            AveragedModel(
                self.model,
                multi_avg_fn=get_ema_multi_avg_fn(training.average),  # type: ignore[no-untyped-call]
            )
            if training.average
            else None
        )
        num_parameters = sum(p.numel() for p in self.model.parameters())
        self._half = half_precision(training, num_parameters, self.device)
        self._loss = torch.compile(loss_of) if training.compile else loss_of
        self.step = 0
        self.seconds = 0.0
        self.characters = 0
        self.best = -math.inf
        self.stale = 0
        self.best_weights: dict[str, Tensor] = {}
        self._mined = np.zeros(0, dtype=np.int64)
        # Where it is summed up no step waits for the device; MPS has no float64.
        there = torch.device("cpu") if self.device.type == "mps" else self.device
        self._nats = torch.zeros((), dtype=torch.float64, device=there)
        self._learned = 0
        self._characters_a_piece = task.characters_a_piece if isinstance(task, Stories) else 1.0
        self._batches: Batches | Windows | None = None
        self._teacher: Teacher | None = None
        if teacher is not None:
            self._teacher = teacher_of(spec, task, teacher, self.vocabulary, self.context)
        if self._teacher is not None:
            self._teacher.network.to(self.device)

    @property
    def graded(self) -> nn.Module:
        """The model that is graded and kept: the average of the weights where there is one."""
        return self.averaged.module if self.averaged is not None else self.model

    @property
    def reader(self) -> Reader:
        """What is graded, as the exam of text takes it."""
        end = (self.vocabulary.end_number,)
        window = int(self.graded.window)  # type: ignore[arg-type]
        return Reader(self.graded, self.vocabulary, window, end if self.start else (), end)

    @property
    def done(self) -> bool:
        training = self.spec.training
        return self.step >= training.steps or 0 < training.patience <= self.stale

    @property
    def at_record(self) -> bool:
        """Whether a validation is due at this step."""
        return self.step % self.spec.training.evaluate_every == 0 or self.done

    @property
    def mean_loss(self) -> float:
        """Nats a learned character since the last record."""
        return float(self._nats) / max(1, self._learned)

    def one_step(self) -> None:
        """One update of the weights.

        Raises:
            LilliputError: the loss is no number.
        """
        assert self._files[0] or not self.spec.training.teacher, "its teacher was not given"
        batches = self._lessons()
        if self.step == 0 and self.spec.start:
            take_over(self.model, self.spec, self.task.vocabulary)
        started = time.perf_counter()
        if isinstance(batches, Windows):
            chunks = batches.batch(self.step)
        else:
            chunks = batches.batch(self.step, self._mined if self.spec.training.mining else None)
        learned = sum(int((chunk.targets_BS != IGNORED).sum()) for chunk in chunks)
        set_rates(self.optimizers, self.spec.training, self.step)
        with self._dropping():
            for chunk in in_parts(chunks, self._a_place):
                loss, nats = self.loss(chunk)
                (loss / learned).backward()  # type: ignore[no-untyped-call]
                self._nats += nats.detach().to(self._nats.device).double()
                self.characters += round(chunk.ids_BT.size * self._characters_a_piece)
        clip(self.model, self.spec.training.clip)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        leash(self.model)
        if self.averaged is not None:
            self.averaged.update_parameters(self.model)
        self._learned += learned
        self.step += 1
        self.seconds += time.perf_counter() - started

    def loss(self, chunk: Chunk) -> tuple[Tensor, Tensor]:
        """What is to be made small, and nats: sums over the characters of the chunk that are
        learned."""
        ids_BT = to_device(chunk.ids_BT, self.device)
        targets_BS = to_device(chunk.targets_BS, self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._half):
            return self._loss(self.model, ids_BT, targets_BS, chunk.first, self._teacher)

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        """Dropout for one step. What is dropped depends on seed and step alone, so that a run that
        goes on ends with the same weights; torch's own generator is left as it was."""
        part = self.spec.training.dropout
        if not part or not isinstance(self.model, GPT):
            yield
            return
        drawn = np.random.SeedSequence([self.spec.seed, 6, self.step]).generate_state(1)
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices), self.model.dropping(part):
            torch.manual_seed(int(drawn[0]))
            yield

    def _lessons(self) -> Batches | Windows:
        if self._batches is None:
            training, seed = self.spec.training, self.spec.seed
            if isinstance(self.task, Stories):
                self._batches = Windows(self.task, training, seed)
            else:
                lessons, (teacher, kept) = None, self._files
                if teacher is not None and training.teacher_answers:
                    lessons = lessons_of(self.spec, self.vocabulary, self.start, teacher, kept)
                self._batches = Batches(self.task, training, seed, self.vocabulary, lessons)
        return self._batches

    def validation(self) -> Validation:
        """The score on validation problems or documents; changes nothing."""
        return validate(self.task, self.reader, self.start)

    def record(self) -> Record:
        """Validates, and does what depends on it: early stopping and error mining. To be called
        at multiples of `evaluate_every` only, so that slices of a run change nothing."""
        started = time.perf_counter()
        loss = self.mean_loss  # waits for the steps that a GPU has not done yet
        self.seconds += time.perf_counter() - started
        if not math.isfinite(loss):
            raise LilliputError(
                f"the loss is {loss} at step {self.step}: training has diverged; lower the learning"
                " rates (--learning-rate, --muon-learning-rate)"
            )
        validation = self.validation()
        self._nats, self._learned = torch.zeros_like(self._nats), 0
        if self.spec.training.patience:
            if validation.right > self.best:
                self.best, self.stale = validation.right, 0
                self.best_weights = {n: p.clone() for n, p in _trained(self.graded).items()}
            else:
                self.stale += 1
        if self.spec.training.mining and isinstance(self._batches, Batches):
            self._mined = np.flatnonzero(
                ~forced_right(self.graded, self._batches.table, len(self.vocabulary))
            )
        return Record(
            self.step, loss, *validation, seconds=round(self.seconds, 3), characters=self.characters
        )

    def finish(self) -> nn.Module:
        """The model to keep: the best on validation where training may stop early."""
        if self.best_weights:
            with torch.no_grad():
                for name, parameter in _trained(self.graded).items():
                    parameter.copy_(self.best_weights[name])
        return merged(self.graded) if isinstance(self.graded, HFNetwork) else self.graded

    def state(self) -> bytes:
        """Everything that the rest of the run depends on, as one safetensors file; what is not
        trained is not in it."""
        tensors = {f"model.{n}": p for n, p in _trained(self.model).items()}
        tensors |= {f"optimizer.{n}": t for n, t in tensors_of(self.optimizers).items()}
        if self.averaged is not None:
            tensors |= {f"average.{n}": p for n, p in _trained(self.averaged.module).items()}
            tensors["averaged"] = self.averaged.n_averaged
        tensors |= {f"best.{n}": t for n, t in self.best_weights.items()}
        tensors["mined"] = torch.from_numpy(self._mined)
        numbers = [self.step, self.seconds, self.characters, self.best, self.stale]
        tensors["numbers"] = torch.tensor(
            [*numbers, float(self._nats), self._learned], dtype=torch.float64
        )
        metadata = {"digest": self.spec.digest, "format": "lilliput resume 1"}
        return safetensors.torch.save(
            {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, metadata
        )

    def restore(self, state: bytes) -> None:
        """Goes on from what `state` gave.

        Raises:
            FileError: it is damaged or belongs to another run.
        """
        try:
            tensors = safetensors.torch.load(state)
            header = json.loads(state[8 : 8 + int.from_bytes(state[:8], "little")])
            if (theirs := header["__metadata__"]["digest"]) != self.spec.digest:
                raise ValueError(f"its spec is {theirs}, not {self.spec.digest}")
            numbers = tensors["numbers"].tolist()
            parts: dict[str, dict[str, Tensor]] = {}
            for name, tensor in tensors.items():
                part, _, rest = name.partition(".")
                parts.setdefault(part, {})[rest] = tensor
            self._copy(self.model, parts["model"])
            # Before the first step there is none.
            load_tensors(self.optimizers, parts["optimizer"] if numbers[0] else {})
            if self.averaged is not None:
                self._copy(self.averaged.module, parts["average"])
                self.averaged.n_averaged.copy_(tensors["averaged"])
        except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise FileError(f"the resume file is damaged or of another run: {error}") from None
        self.best_weights = {n: t.to(self.device) for n, t in parts.get("best", {}).items()}
        self._mined = tensors["mined"].numpy()
        self.step, self.characters, self.stale = int(numbers[0]), int(numbers[2]), int(numbers[4])
        self.seconds, self.best = numbers[1], numbers[3]
        self._nats.fill_(numbers[5])
        self._learned = int(numbers[6])

    @staticmethod
    @torch.no_grad()
    def _copy(model: nn.Module, tensors: dict[str, Tensor]) -> None:
        for name, parameter in _trained(model).items():
            parameter.copy_(tensors[name])


def _trained(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that training changes, by their names."""
    return {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}
