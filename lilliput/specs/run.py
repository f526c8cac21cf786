"""A run's whole spec: task, model, training, seed. The same spec is the same run."""

from dataclasses import dataclass, field

from lilliput.errors import SpecError
from lilliput.specs import codec
from lilliput.specs.choices import check_choices
from lilliput.specs.hf import HFSpec
from lilliput.specs.model import GPTSpec, ModelSpec
from lilliput.specs.sampling import check_seed
from lilliput.specs.task import ArithmeticSpec, StoriesSpec, TaskSpec, parse_range
from lilliput.specs.training import TrainingSpec


@dataclass(frozen=True, kw_only=True)
class RunSpec:
    task: TaskSpec = field(default_factory=ArithmeticSpec)
    model: ModelSpec | HFSpec = field(default_factory=GPTSpec)
    training: TrainingSpec = field(default_factory=TrainingSpec)
    seed: int = 0
    """Draws the first weights and the order of the problems."""
    start: str = codec.later("")
    """A model whose weights are taken over at first: a model file of ours, or nanoGPT's ckpt.pt; a
    gpt's are cut down where this one's shape is smaller. Optimizer and schedule begin anew. Rows of
    characters and positions that it lacks begin as drawn."""
    start_digest: str = codec.later("")
    """sha256 of that file; filled in when it is first read."""
    start_marks: tuple[str, ...] = codec.later(())
    """What must be said of it, such as leaked, and so of what is made of it; filled in likewise."""

    def __post_init__(self) -> None:
        check_choices(self)
        check_seed(self.seed)
        if isinstance(self.task, StoriesSpec) and isinstance(self.model, HFSpec):
            raise SpecError(
                f"hf:{self.model.name} has a tokenizer of its own, and text is learned in this"
                " project's characters or pieces: choose --task arithmetic or lines; or let it tell"
                f" stories (`lilliput sample hf:{self.model.name} --lines 10000 > told.txt`), and"
                " train gpt, or find, on --task stories --text told.txt"
            )
        told = (self.training.layout, self.training.loss)
        if isinstance(self.task, StoriesSpec) and told != ("stream", "all"):
            raise SpecError(
                f"text is learned as a stream, all of it; got layout {told[0]} and loss {told[1]}:"
                " write --layout stream --loss all, or leave both out"
            )
        if isinstance(self.model, HFSpec) and self.start:
            raise SpecError(
                f"hf:{self.model.name} is what this run starts from; leave out start {self.start}"
            )
        if self.training.dropout and not isinstance(self.model, GPTSpec):
            raise SpecError(f"dropout is for a gpt; a {self.model.kind} has none: leave it out")
        if isinstance(self.task, ArithmeticSpec) and not self.task.leaked:
            self._check_stages(self.task)

    def _check_stages(self, task: ArithmeticSpec) -> None:
        """Raises SpecError where a stage asks for operands that the task has not. A leaked source
        may have problems from outside the range."""
        low, high = task.operand_range
        for stage in self.training.stages:
            first, last = parse_range(stage.operands) if stage.operands else (low, high)
            if first < low or last > high:
                raise SpecError(
                    f"a stage of operands {stage.operands} is outside of the task's"
                    f" {task.operands}: choose them inside, or wider --operands"
                )

    @property
    def marks(self) -> dict[str, str]:
        """What must be said wherever the model is shown: `leaked` where it was trained on problems
        of its own exam, `pretrained` where it had learned from others' text before, `taught` where
        it learned from another model; and what its start brings along."""
        own = {
            "leaked": getattr(self.task, "leaked", False),
            "pretrained": isinstance(self.model, HFSpec),
            "taught": self.training.teacher,
        }
        marks = [name for name, marked in own.items() if marked]
        return dict.fromkeys((*marks, *self.start_marks), "yes")

    @property
    def digest(self) -> str:
        """Names the run."""
        return codec.digest(self)
