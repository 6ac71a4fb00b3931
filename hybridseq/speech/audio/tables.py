"""The text files of a data folder: an id, then what belongs to it, one a line."""

from collections.abc import Callable
from pathlib import Path

#: Reports a problem: (file, line, kind, message, id).
Report = Callable[[str, int, str, str, str], None]


def read_table(path: Path, report: Report, *, empty: bool = False) -> dict[str, tuple[str, int]]:
    """The values of a file by id, with their lines; what is wrong is reported, and the line left out.

    ``empty``: a value may be missing. A repeated id keeps its first line.
    """
    found: dict[str, tuple[str, int]] = {}
    for number, raw in enumerate(path.read_bytes().split(b"\n"), 1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            name = raw.split(maxsplit=1)[:1]
            shown = name[0].decode("utf-8", "replace") if name else ""
            report(
                path.name, number, "encoding",
                f"is not UTF-8 ({error.reason} at byte {error.start + 1}). Save it as UTF-8.", shown,
            )  # fmt: skip
            continue
        if not line:
            continue
        name, *rest = line.split(maxsplit=1)
        value = rest[0] if rest else ""
        if name in found:
            report(
                path.name, number, "duplicate",
                f"repeats the id {name!r} of line {found[name][1]}. Ids must be unique.", name,
            )  # fmt: skip
        elif not value and not empty:
            report(path.name, number, "format", f"has nothing after the id {name!r}.", name)
        else:
            found[name] = value, number
    return found
