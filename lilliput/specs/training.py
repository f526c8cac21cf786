"""How a model learns, as data: batches, optimizer, schedule, stages, when to stop."""

import math
from dataclasses import dataclass
from typing import Literal

from lilliput.errors import SpecError
from lilliput.specs.choices import check_choices
from lilliput.specs.codec import later
from lilliput.specs.task import check_operations, check_weights, parse_range


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A part of training on a part of the problems («count to 5, to 10, and build on this»)."""

    steps: int
    """Steps that this stage lasts; the last stage goes on to the end of training."""
    operands: str = ""
    """Only training problems with both operands in this range; empty: all."""
    operations: str = ""
    """Only these operations; empty: all."""
    weights: tuple[float, ...] = ()
    """How often each of these operations comes; empty: as the task says."""

    def __post_init__(self) -> None:
        check_choices(self)
        if self.steps < 1:
            raise SpecError(f"a stage needs 1 step or more; got {self.steps}")
        if self.operands:
            parse_range(self.operands)
        if self.operations:
            check_operations(self.operations)
        check_weights(self.weights, self.operations)


@dataclass(frozen=True, kw_only=True)
class TrainingSpec:
    """One training. Learning rates are peaks: warm-up, stable, then decay, linear and to nothing
    unless it is said otherwise."""

    steps: int = 9_000
    """Updates of the weights."""
    batch: int = 256
    """Rows a step: problems, or blocks of a stream."""
    layout: Literal["problems", "stream"] = "problems"
    """`problems`: one a row; `stream`: one stream of characters cut in blocks (TinyMath's way)."""
    block: int = 256
    """Characters of a block where the layout is `stream`."""
    serve: Literal["fixed", "fresh"] = "fixed"
    """`fixed`: every training problem once before any comes again; `fresh`: each drawn anew."""
    problems: int = 0
    """How many training problems there are to learn from; 0: all of them."""
    loss: Literal["answer", "all"] = "answer"
    """Which characters count in the loss: those after the question, or the question's too."""
    optimizer: Literal["muon", "adamw"] = "muon"
    """`muon` takes the matrices inside the model and leaves the rest to AdamW, `adamw` all."""
    learning_rate: float = 3e-3
    """AdamW's peak."""
    muon_learning_rate: float = 5e-3
    """Muon's peak; an update's size does not depend on the gradient's (kellerjordan.github.io)."""
    weight_decay: float = 0.3
    """Decoupled, times the learning rate, on matrices and embeddings."""
    beta2: float = 0.99
    """AdamW's second-moment decay; batches of tiny models are small, so shorter than 0.999."""
    warmup: int = 100
    """Steps of linear warm-up."""
    decay: float = 0.33
    """Last part of the steps in which the learning rate falls."""
    decay_shape: Literal["linear", "cosine"] = later("linear")
    """How it falls: in a line, or as half a wave of the cosine (Loshchilov and Hutter 2017)."""
    decay_to: float = later(0.0)
    """What part of the peak it falls to; nanoGPT's small models: 0.1."""
    dropout: float = later(0.0)
    """Part of the numbers that each step sets to zero, in a gpt, where GPT-2 does: of embeddings,
    attention weights, and what is added to the residual stream. Slow on a CPU."""
    clip: float = 1.0
    """Largest norm of the gradient; 0: not clipped."""
    average: float = 0.0
    """Decay a step of an exponential average of the weights that is graded and kept; 0: none."""
    stages: tuple[Stage, ...] = ()
    """A curriculum; empty: all training problems from the first step."""
    mining: float = 0.0
    """Part of each batch drawn from training problems that were answered wrong when last asked."""
    evaluate_every: int = 500
    """Steps between validations."""
    patience: int = 0
    """Validations without a better score before training stops early; 0: never."""
    compile: bool = False
    """Compile the step (torch.compile): about a third faster, but the first step takes up to a
    minute and a C++ compiler; pays from some ten thousand steps up."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 from a million parameters up, float32 below, where it is faster."""
    teacher: str = later("")
    """A model that answers the same task: what it holds likely at each character that is learned is
    learned too (distillation, arXiv 1503.02531); `find` tries each size without it too. Empty:
    none."""
    teacher_share: float = later(0.5)
    """Weight of the distillation term (KL divergence from the teacher) in the loss; the rest is
    cross-entropy on the data. With `teacher_answers` it may be 0, and becomes so by itself where
    the teacher has other characters, tokens or another format, whose likelihoods cannot be
    compared."""
    teacher_temperature: float = later(2.0)
    """Logits of both are divided by this, and the teacher's part of the loss is multiplied by its
    square, as the paper has it."""
    teacher_answers: bool = later(False)
    """Learn what the teacher answers (greedily, asked once) to the training problems in place of
    what is right (Kim and Rush 2016, arXiv 1606.07947); the teacher may write in any format and
    vocabulary. What it leaves without an answer that can be written is left out."""
    teacher_digest: str = later("")
    """sha256 of the teacher's file, so that the spec names its content; filled in when it is first
    read."""

    def __post_init__(self) -> None:
        check_choices(self)
        for name in ("steps", "batch", "block", "evaluate_every"):
            if getattr(self, name) < 1:
                raise SpecError(f"{name} must be 1 or more; got {getattr(self, name)}")
        for name in ("problems", "warmup", "patience"):
            if getattr(self, name) < 0:
                raise SpecError(f"{name} must be 0 or more; got {getattr(self, name)}")
        for name in ("learning_rate", "muon_learning_rate"):
            if not 0 < getattr(self, name) < 10:
                raise SpecError(f"{name} must be above 0 and under 10; got {getattr(self, name)}")
        for name in ("average", "beta2", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise SpecError(f"{name} must be from 0 to under 1; got {getattr(self, name)}")
        for name in ("decay", "decay_to", "mining"):
            if not 0 <= getattr(self, name) <= 1:
                raise SpecError(f"{name} must be from 0 to 1; got {getattr(self, name)}")
        if self.weight_decay < 0 or self.clip < 0:
            raise SpecError(f"{self.weight_decay=} and {self.clip=} must be 0 or more")
        self._check_teacher()
        begins = 0
        for number, stage in enumerate(self.stages):
            if begins >= self.steps:
                raise SpecError(
                    f"stage {number + 1} would begin at step {begins:,}, and training ends at"
                    f" {self.steps:,}: give more --steps, or shorten the stages before it"
                )
            begins += stage.steps
        if self.layout == "stream":
            idle = {
                "mining": self.mining,
                "stage": self.stages,
                "serve fresh": self.serve != "fixed",
            }
            for what, given in idle.items():
                if given:
                    raise SpecError(
                        f"{what} needs problems as rows; a stream has none: leave one out"
                    )

    def _check_teacher(self) -> None:
        least = 0.0 if self.teacher_answers else 1e-9
        if not least <= self.teacher_share <= 1:
            raise SpecError(
                "teacher_share must be above 0 (or 0 with teacher_answers) and at most 1; got"
                f" {self.teacher_share}"
            )
        if not 0 < self.teacher_temperature <= 100:
            raise SpecError(
                "teacher_temperature must be above 0 and at most 100; got"
                f" {self.teacher_temperature}"
            )
        fields = (self.teacher_share, self.teacher_temperature, self.teacher_answers)
        if not self.teacher and (*fields, self.teacher_digest) != (0.5, 2.0, False, ""):
            raise SpecError("what a teacher is asked needs a teacher; write --teacher MODEL")

    @property
    def opens_with_end(self) -> bool:
        """Whether a question follows an end mark, as it does where questions are learned too."""
        return self.layout == "stream" or self.loss == "all"

    def schedule(self, step: int) -> float:
        """Factor on the learning rates at `step` (from 0): warm-up, stable, decay."""
        rise = (step + 1) / self.warmup if step < self.warmup else 1.0
        falling = self.decay * self.steps
        fall = (self.steps - step) / falling if self.steps - step < falling else 1.0
        if self.decay_shape == "cosine":
            fall = (1 - math.cos(math.pi * fall)) / 2
        return min(rise, self.decay_to + (1 - self.decay_to) * fall)
