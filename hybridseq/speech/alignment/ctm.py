"""CTM files: utterance, channel, start, duration, label and perhaps confidence, one segment a line."""

from collections.abc import Iterable
from os import PathLike

from hybridseq.speech.alignment.segments import Alignment, Segment
from hybridseq.text.columns import numbered_lines
from hybridseq.text.errors import DataError


def write_ctm(alignments: Iterable[Alignment], path: str | PathLike, level: str = "words", channel: str = "1") -> None:
    """Write alignments as a CTM file.

    Parameters
    ----------
    alignments : iterable of Alignment
    path : path
        The file; it is replaced.
    level : {"words", "phones"}
        Which segments to write. An utterance without any leaves no line.
    channel : str
        What stands in the second field.

    Raises
    ------
    DataError
        Where a name or label holds white space, an utterance comes twice, or phones are wanted but not there.
        Nothing is written then.

    Notes
    -----
    Times are rounded to a microsecond. The utterance's duration is not kept.
    """
    if level not in ("words", "phones"):
        raise ValueError(f'level must be "words" or "phones"; got {level!r}')
    lines: list[str] = []
    seen: set[str] = set()
    for alignment in alignments:
        segments = getattr(alignment, level)
        if segments is None:
            raise DataError(f"utterance {alignment.id!r} has no phones; align with phones, or write its words")
        if alignment.id in seen:
            raise DataError(f"utterance {alignment.id!r} comes twice; give each one name of its own")
        seen.add(alignment.id)
        for segment in segments:
            for value in (alignment.id, channel, segment.label):
                if value.split() != [value] or value.startswith(";;"):
                    raise DataError(
                        f"utterance {alignment.id!r}: a field of a CTM file must be text without white space that "
                        f"begins with no ;;; got {value!r}. Rename it"
                    )
            fields = [alignment.id, channel, _time(segment.start), _time(segment.duration), segment.label]
            lines.append(" ".join([*fields, *([] if segment.confidence is None else [f"{segment.confidence:.6g}"])]))
    with open(path, "w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(line + "\n" for line in lines)


def read_ctm(path: str | PathLike) -> list[Alignment]:
    """Read the words of a CTM file.

    Parameters
    ----------
    path : path
        A UTF-8 text file. Blank lines and those that begin with ``;;`` are left out, and so is the channel.

    Returns
    -------
    list of Alignment
        In the order in which utterances first occur, the segments of each sorted by time; without phones.

    Raises
    ------
    DataError
        With file and line: too few or too many fields, a time that cannot be, segments that overlap.
    """
    found: dict[str, list[tuple[int, Segment]]] = {}
    with numbered_lines(path) as (lines, name):
        for number, line in lines:
            fields = line.split()
            if not fields or fields[0].startswith(";;"):
                continue
            if not 5 <= len(fields) <= 6:
                raise DataError(
                    "expected utterance, channel, start, duration, label and perhaps confidence; got "
                    f"{len(fields)} fields",
                    name,
                    number,
                )
            numbers = [_number(field, name, number) for field in (*fields[2:4], *fields[5:])]
            # A duration below 0 fails as an end before the start.
            start, end = numbers[0], numbers[0] + numbers[1]
            try:
                segment = Segment(start, end, fields[4], *numbers[2:])
            except DataError as error:
                raise DataError(error.message, name, number) from None
            found.setdefault(fields[0], []).append((number, segment))
    return [_alignment(utterance, rows, name) for utterance, rows in found.items()]


def _alignment(utterance, rows, name) -> Alignment:
    rows = sorted(rows, key=lambda row: (row[1].start, row[1].end))
    try:
        return Alignment(utterance, [segment for _, segment in rows])
    except DataError as error:
        raise DataError(error.message, name, rows[0][0]) from None


def _number(field, name, line) -> float:
    try:
        return float(field)
    except ValueError:
        raise DataError(f"expected a number of seconds or a confidence; got {field!r}", name, line) from None


def _time(seconds: float) -> str:
    whole, _, part = f"{seconds:.6f}".partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"
