"""Errors as one line on standard error."""

import sys
from contextlib import contextmanager

import typer

USAGE, FAILURE, INTERRUPTED = 2, 1, 130


class UsageError(ValueError):
    """A command that cannot be meant: exit code 2."""


@contextmanager
def one_line_errors():
    """Turn errors that a user can mend into one line and an exit code; let the others, which are ours, through."""
    try:
        yield
    except UsageError as error:
        _leave(str(error), USAGE)
    except ValueError as error:
        _leave(str(error), FAILURE)
    except BrokenPipeError:
        raise
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        _leave(f"{place}{error.strerror or error}; check the path and your rights to it", FAILURE)
    except KeyboardInterrupt:
        _leave("stopped; nothing was written", INTERRUPTED)


def tell(message: str) -> None:
    """A line on standard error."""
    print(message, file=sys.stderr, flush=True)


def _leave(message, code):
    tell("error: " + " ".join(message.split()))
    raise typer.Exit(code)
