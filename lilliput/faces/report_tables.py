"""What a search's page says in tables: its sizes, and all its trials. Draws and writes nothing."""

from lilliput.faces.found import (
    asked_words,
    asks_all,
    evidence_words,
    levels_of,
    marks_of,
    shape_words,
)
from lilliput.faces.report_page import Cell, Html, join, table, tag
from lilliput.faces.report_search import Search
from lilliput.faces.text import ALL, mark_words
from lilliput.lab.cut_words import way_words
from lilliput.search.result import Size
from lilliput.search.trial import CUT_DOWN, Look, Trial
from lilliput.units import point_words


def sizes_table(search: Search) -> Html:
    rows = []
    for family in search.result.families:
        for size in reversed(family.sizes):
            level = search.levels.get(size.trial.number, 0.95)
            unseen = [evidence_words(size.unseen, level) if size.unseen else ""]
            typical = "" if size.typical is None else point_words(size.typical)
            state = _size_state(size, search, family.left_early(size))
            rows.append([
                f"{size.family}{mark_words(marks_of(size.trial.spec))} {size.parameters:,}",
                shape_words(size.trial).split(",")[1].strip(),
                *[way_words(size.trial)] * search.cuts,
                evidence_words(size.validation), *([] if search.num_all else unseen), typical,
                "" if size.trial.given else f"{size.passed} of {size.tried}", state,
            ])  # fmt: skip
    columns = [f"best run: {ALL}"] if search.num_all else ["best run: validation", "unseen"]
    cut = ["cut down"] * search.cuts
    header = ["parameters", "shape", *cut, *columns, "typical", "seeds pass", ""]
    return table(header, rows, label="The frontier as a table")


def _size_state(size: Size, search: Search, early: bool) -> Html:
    first = ""
    if size.trial.purpose == "baseline":
        teaches = size.validation.may_teach(search.spec.pass_mark)
        first = "the baseline" if teaches else "the baseline, which teaches nothing"
    if size.confirmed:
        # Where no problem is kept unseen, nothing can confirm.
        words = "passes" if asks_all(size.validation) else "confirmed"
        state = tag("span", words, class_="good")
    elif size.fails_totally:
        state = tag("span", "total failure", class_="bad")
    else:
        passes = f"passes on {asked_words(size.validation)}"
        state = join(passes if size.passed else "left early" if early else "")
    return join(first, ", " if first and state else "", state)


def trials_table(search: Search) -> Html:
    looks = {look.trial: look for look in search.looks}
    columns = [ALL] if search.num_all else ["validation", "unseen"]
    header = (
        *("trial", "family", "parameters", *["cut down"] * search.cuts, *columns, "state", "steps"),
        *("train loss", "seed", "learning rates and other choices", "purpose", "spec"),
    )
    rows = [_trial_row(t, looks.get(t.number), search) for t in search.trials]
    return table(header, rows, label="All trials", sortable=True)


def _trial_row(trial: Trial, look: Look | None, search: Search) -> list[object]:
    chosen = {name: value for name, value in trial.inner.items() if name != CUT_DOWN}
    inner = ", ".join(f"{name.replace('_', ' ')} {_short(v)}" for name, v in chosen.items())
    asked: Cell | str = ""
    if look is not None and look.unseen is not None:
        level = levels_of([look])[look.trial]
        asked = Cell(evidence_words(look.unseen, level), look.unseen.score)
    loss = trial.points[-1].train_loss if trial.points and not trial.given else None
    steps = "0" if trial.given else f"{trial.step:,} of {trial.num_steps:,}"
    return [
        Cell(str(trial.number), trial.number),
        trial.family + mark_words(marks_of(trial.spec)),
        Cell(f"{trial.parameters:,}", trial.parameters),
        *[way_words(trial)] * search.cuts,
        Cell(evidence_words(trial.last), trial.last.score) if trial.last else "",
        *([] if search.num_all else [asked]),
        state_words(trial, look, search.spec.pass_mark),
        Cell(steps, trial.step),
        "" if loss is None else Cell(f"{loss:.4f}", loss),
        "" if trial.given else Cell(str(trial.seed), trial.seed),
        inner or ("" if trial.given else "the default recipe"),
        trial.purpose,
        tag("code", trial.spec.digest),
    ]


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def state_words(trial: Trial, look: Look | None, mark: float) -> Html:
    """Where a trial stands: what unseen said, else what validation says, else how far it came."""
    if look is not None and look.unseen is not None:
        if look.confirms(mark):
            words = "passes" if asks_all(look.unseen) else "confirmed"
            return tag("span", words, class_="good")
        where = asked_words(look.unseen) if asks_all(look.unseen) else "unseen"
        return tag("span", f"refused on {where}", class_="bad")
    if trial.from_nothing:
        return join("for comparison")
    if trial.passes(mark):
        assert trial.last is not None
        return join(f"passes on {asked_words(trial.last)}", ", named" if look else "")
    if not trial.points:
        return join("begun")
    return join("below the mark" if trial.done else "stopped early")
