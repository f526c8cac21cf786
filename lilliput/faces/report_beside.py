"""What others needed for a search's job, and the zoo: a section of its page."""

from lilliput.faces import results
from lilliput.faces.report_page import Html, join, note, section, table
from lilliput.specs import OPERATIONS, ArithmeticSpec, TaskSpec


def others(task: TaskSpec) -> Html:
    """Nothing where nobody else is known to have done it."""
    if not isinstance(task, ArithmeticSpec) or set(task.operations) != set(OPERATIONS):
        return join()
    name = f"arithmetic {task.operands}"
    if name not in results.tasks():
        return join()
    return section(
        "others",
        "What others needed",
        table(results.HEADER, results.rows(name), label="Models of this job, the largest first"),
        note(results.NOTE),
        *(note(line) for line in results.sources(name)),
    )
