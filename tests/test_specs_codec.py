"""Names of specs: the same spec has one name, also after specs have learned new fields."""

from dataclasses import dataclass, field

from lilliput.specs import RunSpec, codec


@dataclass(frozen=True)
class Before:
    steps: int = 3
    parts: tuple[float, ...] = (0.5,)


@dataclass(frozen=True)
class After:
    steps: int = 3
    parts: tuple[float, ...] = (0.5,)
    start: str = codec.later("")


@dataclass(frozen=True)
class Outer:
    inner: After = field(default_factory=After)


def test_a_later_field_changes_a_name_only_where_it_says_something() -> None:
    assert codec.digest(After()) == codec.digest(Before())
    assert codec.digest(After(start="x")) != codec.digest(Before())
    assert codec.digest(Outer()) != codec.digest(Outer(After(start="x")))
    assert codec.digest(After(steps=4)) != codec.digest(After())


def test_a_later_field_is_written_and_read() -> None:
    told = codec.to_dict(After(start="x"))
    assert told == {"steps": 3, "parts": [0.5], "start": "x"}
    assert codec.from_dict(After, told) == After(start="x")
    assert codec.from_dict(After, codec.to_dict(Before())) == After()


def test_names_of_runs_stay() -> None:
    assert RunSpec().digest == "9af65e0ece5b56a9"
