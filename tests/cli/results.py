"""What a command told."""

import json


def last_line(result):
    return json.loads(result.stdout.strip().splitlines()[-1])


def one_error(result, code):
    """The one line of an error, without a traceback."""
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1 and "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
    return lines[0]
