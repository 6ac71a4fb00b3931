"""The shape of a word: what kinds of characters it is made of."""

#: A run of one kind is told apart up to this length: 1999 and 2024 have one shape, 7 has another.
LONGEST_RUN = 4


def word_shape(word: str, longest_run: int = LONGEST_RUN) -> str:
    """The kinds of a word's characters in their order.

    Parameters
    ----------
    word : str
        Any text.
    longest_run : int
        Runs of one kind are cut to so many characters.

    Returns
    -------
    str
        ``X`` for an upper-case letter, ``x`` for any other letter, ``0`` for a digit, ``-`` for dashes, and every
        other character as it is; runs are cut rather than joined :cite:p:`collins2002ranking`.

    Examples
    --------
    >>> word_shape("McDonald"), word_shape("1,250.50"), word_shape("UNESCO-2")
    ('XxXxxxx', '0,000.00', 'XXXX-0')
    """
    shape, last, run = [], "", 0
    for character in word:
        if character.isalpha():
            # Scripts without case count as lower case.
            kind = "X" if character.isupper() else "x"
        elif character.isdigit():
            kind = "0"
        elif character in "-‐‑‒–—":
            kind = "-"
        else:
            kind = character
        run = run + 1 if kind == last else 1
        last = kind
        if run <= longest_run:
            shape.append(kind)
    return "".join(shape)
