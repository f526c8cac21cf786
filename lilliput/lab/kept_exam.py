"""The exam that lies beside a run's model, so that the same run need not be asked twice."""

from typing import Any

from lilliput.errors import FileError
from lilliput.files import read_json
from lilliput.lab.load import load_answerer
from lilliput.lab.verbs import Graded
from lilliput.tasks.documents import file_digest


def kept_exam(name: str) -> Graded | None:
    """The whole exam of a model that answers questions, without its answers, as it was kept when
    this very file was asked; None: there is none, or another's, or it cannot be read.

    Raises:
        NotFoundError, FileError: as `lab.load.load` of the model.
    """
    from lilliput.exam.grade import Grade
    from lilliput.exam.heatmap import HeatMap

    model = load_answerer(name)
    path = model.path.with_name("exam.json")
    if not path.is_file():
        return None
    try:
        exam = read_json(path)
        theirs = exam["digest"], exam["file_digest"]
        if theirs != (model.card.spec.digest, file_digest(model.path)):
            return None
        sections = {name: _section(found) for name, found in exam["grade"]["sections"].items()}
        maps = tuple(HeatMap(m["operation"], m["low"], tuple(m["rows"])) for m in exam["maps"])
        return Graded(model, Grade(sections, exam["grade"]["verdict"]), maps, exam["seconds"])
    except (FileError, LookupError, TypeError, AttributeError):
        return None


def _section(found: dict[str, Any]) -> Any:
    from lilliput.exam.grade import SectionGrade, Tally

    groups = {group: Tally(**tally) for group, tally in found["groups"].items()}
    return SectionGrade(**{**found, "overall": Tally(**found["overall"]), "groups": groups})
