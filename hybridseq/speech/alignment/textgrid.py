"""Praat's TextGrid files."""

import re
from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from pathlib import Path

from hybridseq.speech.alignment.segments import ROUNDING, Alignment, Segment
from hybridseq.text.columns import numbered_lines
from hybridseq.text.errors import DataError

# To Praat all else is remark: only numbers that stand free, quoted strings and flags count.
_TOKEN = re.compile(
    r'(?P<text>"(?:[^"]|"")*")|(?P<open>")|(?P<flag><[^>\s]*>)|(?P<remark>![^\n]*)|(?P<free>[^\s"<]+)|(?P<other><)'
)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_CLASSES = {"IntervalTier": 3, "TextTier": 2}


def write_textgrid(alignment: Alignment, path: str | PathLike) -> None:
    """Write an alignment as a TextGrid in Praat's long text format, with tiers ``words`` and, if known, ``phones``.

    Parameters
    ----------
    alignment : Alignment
        Confidences are not kept.
    path : path
        The file; it is replaced. UTF-8.

    Raises
    ------
    DataError
        An utterance or a segment without duration, which Praat does not take. Nothing is written then.

    Notes
    -----
    Praat's tiers have no gaps: what no segment covers becomes an interval with an empty label.
    """
    tiers = {"words": alignment.words} | ({} if alignment.phones is None else {"phones": alignment.phones})
    end = max([alignment.duration, *(segment.end for tier in tiers.values() for segment in tier)])
    if end <= 0:
        raise DataError(f"utterance {alignment.id!r} lasts 0 s, which a TextGrid cannot; give its duration")
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0", f"xmax = {end!r}", "tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for i, (name, segments) in enumerate(tiers.items(), 1):
        intervals = _gapless(alignment.id, segments, end)
        lines += [f"    item [{i}]:", '        class = "IntervalTier"', f'        name = "{name}"']
        lines += ["        xmin = 0", f"        xmax = {end!r}", f"        intervals: size = {len(intervals)}"]
        for j, (start, stop, label) in enumerate(intervals, 1):
            lines += [f"        intervals [{j}]:", f"            xmin = {start!r}", f"            xmax = {stop!r}"]
            lines += ['            text = "{}"'.format(label.replace('"', '""'))]
    with open(path, "w", encoding="utf-8", newline="\n") as stream:
        stream.write("\n".join(lines) + "\n")


def read_textgrid(path: str | PathLike, id: str | None = None) -> Alignment:
    """Read the tiers ``words`` and ``phones`` of a TextGrid.

    Parameters
    ----------
    path : path
        A UTF-8 file in Praat's long or short text format.
    id : str, optional
        The utterance's name; by default the file's, without folder and ending.

    Returns
    -------
    Alignment
        Intervals whose label is empty or blank are left out, and so are other tiers.

    Raises
    ------
    DataError
        With file and line: not a TextGrid, a file cut short, something other than what must come next, intervals
        that overlap; or no tier ``words``.
    """
    with numbered_lines(path) as (lines, name):
        tokens = _Tokens("".join(line for _, line in lines), name)
    if (tokens.text("the file type"), tokens.text("the object class")) != ("ooTextFile", "TextGrid"):
        raise tokens.error('expected a TextGrid, which begins with "ooTextFile" and "TextGrid"')
    tokens.number("the start")
    duration = tokens.number("the end")
    if tokens.next("flag", "whether there are tiers") != "<exists>":
        raise tokens.error("there are no tiers")
    tiers: dict[str, list[Segment]] = {}
    seen = []
    for _ in range(tokens.count("the number of tiers")):
        tier, segments = _tier(tokens)
        seen.append(tier)
        if segments is not None:
            tiers.setdefault(tier, segments)
    if "words" not in tiers:
        raise DataError(f"there is no interval tier 'words'; the tiers are {seen}. Rename the one with words", name)
    utterance = Path(fspath(path)).stem if id is None else id
    try:
        return Alignment(utterance, tiers["words"], tiers.get("phones"), duration)
    except DataError as error:
        raise DataError(error.message, name) from None


def _gapless(utterance: str, segments: Sequence[Segment], end: float) -> list[tuple[float, float, str]]:
    """Intervals from 0 to the end; boundaries that differ by rounding only become one."""
    out: list[tuple[float, float, str]] = []
    last = 0.0
    for segment in segments:
        start = segment.start
        if start > last + ROUNDING:
            out.append((last, float(start), ""))
        else:
            start = last
        if segment.end <= start:
            raise DataError(f"utterance {utterance!r}: {segment.label!r} at {start} s lasts 0 s, which Praat refuses")
        last = float(segment.end)
        out.append((float(start), last, segment.label))
    if out and end - last <= ROUNDING:
        out[-1] = (*out[-1][:1], end, out[-1][2])
    else:
        out.append((last, end, ""))
    return out


def _tier(tokens: "_Tokens") -> tuple[str, list[Segment] | None]:
    """A tier's name and segments; None for a tier of points."""
    kind = tokens.text("a tier's class")
    if kind not in _CLASSES:
        raise tokens.error(f"expected a tier of class {' or '.join(_CLASSES)}; got {kind!r}")
    name = tokens.text("a tier's name")
    tokens.number("a tier's start")
    tokens.number("a tier's end")
    segments = []
    for _ in range(tokens.count("the number of intervals")):
        times = [tokens.number("a time") for _ in range(_CLASSES[kind] - 1)]
        label = tokens.text("a label").strip()
        if kind == "IntervalTier" and label:
            try:
                segments.append(Segment(*times, label))
            except DataError as error:
                raise tokens.error(error.message) from None
    return name, segments if kind == "IntervalTier" else None


class _Tokens:
    """What counts in a text file of Praat's, one by one."""

    def __init__(self, content: str, name: str):
        self.content, self.name = content, name
        self.position = 0
        self.tokens = self._tokens()

    def _tokens(self) -> Iterator[tuple[str, str]]:
        for match in _TOKEN.finditer(self.content):
            self.position = match.start()
            if match.lastgroup == "free" and _NUMBER.fullmatch(match[0]):
                yield "number", match[0]
            elif match.lastgroup == "text":
                yield "text", match[0][1:-1].replace('""', '"')
            elif match.lastgroup == "open":
                raise self.error("a quotation mark is not closed; the file is cut short or a quote is not doubled")
            elif match.lastgroup == "flag":
                yield "flag", match[0]

    def next(self, kind: str, what: str) -> str:
        found, value = next(self.tokens, (None, None))
        if found is None:
            self.position = len(self.content)
            raise self.error(f"expected {what}, but the file ends; it is cut short: copy or write it anew")
        if found != kind:
            raise self.error(f"expected {what}, a {kind}; got {value!r}")
        return value

    def text(self, what: str) -> str:
        return self.next("text", what)

    def number(self, what: str) -> float:
        return float(self.next("number", what))

    def count(self, what: str) -> int:
        value = self.next("number", what)
        if not value.isdigit():
            raise self.error(f"{what} must be a whole number; got {value}")
        return int(value)

    def error(self, message: str) -> DataError:
        return DataError(message, self.name, self.content.count("\n", 0, self.position) + 1)
