"""The command line: finds the verb, runs it, and turns errors into one message and an exit code.

0: done; 1: something failed; 2: something asked for cannot be; 130: Ctrl-C. Each verb has a file
of its own, imported when it is typed; none of them is imported here.
"""

import os
import signal
import sys
import threading
import traceback
from importlib import import_module

from lilliput.errors import LilliputError, UserError, nearest

VERBS = {
    "find": "arithmetic|lines|stories  the smallest model that passes, and the frontier",
    "train": "gpt|gru|...      one model; every field of its spec is a flag",
    "grade": "MODEL|FILE|-     the exam of a model, or a text file of expressions",
    "sample": "MODEL           free-running text; pipes into grade",
    "tell": '["Once upon"]      a story, streamed',
    "compare": "MODEL MODEL ...    models side by side: size, score or bits, speed, what is chance",
    "quantise": "MODEL             the same model in int8 or int16, and what that costs",
    "ship": "MODEL             a program, a page, C, ONNX, or for transformers; checked",
    "serve": "                  the web page: frontier, heat maps, calculator, stories, live runs",
    "calc": '["12 + 24"]       a calculator: a model answers, the time it took is shown',
    "data": "arithmetic        data sets as text, for other tools",
    "doctor": "                what of this works on this machine, and what to do about the rest",
    "zoo": "                   the models that come with the package, with their verified grades",
}
BROKEN_PIPE = 141
"""What a shell calls a program that wrote to a reader who had left: 128 + SIGPIPE."""


def main(argv: list[str] | None = None) -> int:
    """Runs a command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    stopped = _take_signals()
    try:
        try:
            code = _run(arguments)
            sys.stdout.flush()
            return code
        except Exception:
            # Libraries make another error of a Ctrl-C that comes while they are imported.
            if stopped.is_set():
                raise KeyboardInterrupt from None
            raise
    except LilliputError as error:
        _say(f"lilliput: {error}", debug)
        return error.exit_code
    except KeyboardInterrupt as stop:
        if argv is None:
            # While Python puts itself away, a second Ctrl-C would end it by the signal.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        _say(f"lilliput: {stop.args[0] if stop.args else 'stopped'}", debug)
        return 130
    except BrokenPipeError:
        _abandon_output()
        return BROKEN_PIPE
    except OSError as error:
        _abandon_output()
        where = f" {error.filename}" if error.filename else " the output"
        _say(f"lilliput: cannot read or write{where}: {error.strerror or error}", debug)
        return 1
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        _say(f"lilliput: internal error, {what}; run it with --debug to see where", debug)
        return 1


def _take_signals() -> threading.Event:
    """SIGTERM does what Ctrl-C does, whatever that is at the moment: work is saved, workers end.
    The event is set where Ctrl-C has raised KeyboardInterrupt, whatever became of that."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        stopped.set()
        raise KeyboardInterrupt

    def end(*_: object) -> None:
        # Ignored by what a script starts with `&`: TERM would be too.
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, stop)
        signal.raise_signal(signal.SIGINT)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, end)
        if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # nohup, or `&` in a script
            signal.signal(signal.SIGINT, stop)
    return stopped


def _run(arguments: list[str]) -> int:
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if verb in ("-h", "--help", "help"):
        print(overview())
        return 0
    if verb == "--version":
        from importlib.metadata import version

        print(f"lilliput {version('lilliput')}")
        return 0
    if verb not in VERBS:
        raise UserError(f"unknown verb {verb!r}" + nearest(verb, VERBS))
    try:
        return int(import_module(f"lilliput.faces.cli_{verb}").main(rest))
    except SystemExit as stop:  # tyro: after --help, or its own message about a value
        return stop.code if isinstance(stop.code, int) else 1


def overview() -> str:
    lines = [f"  lilliput {verb:<8} {words}" for verb, words in _columns()]
    return "\n".join(
        [
            "Finds the smallest language model that can still do a job, and proves it.",
            "",
            *lines,
            "",
            "`lilliput VERB --help` lists the flags of a verb; --debug shows where an error is.",
        ]
    )


def _columns() -> list[tuple[str, str]]:
    rows = []
    for verb, words in VERBS.items():
        what, _, about = words.partition("  ")
        rows.append((verb, f"{what:<25} {about.strip()}"))
    return rows


def _abandon_output() -> None:
    """Python would complain once more when it closes stdout at the end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    print(message, file=sys.stderr)
