"""A picture of searches: speed against gap."""

from hybridseq.inference.compare_searches import SearchRow


def plot_searches(rows: list[SearchRow], ax=None):
    """Seconds an example against the mean gap, a point for each search with its share solved.

    Both axes are logarithmic, the gap's linear around 0.

    Parameters
    ----------
    rows : list of SearchRow
        From :func:`compare_searches`; rows without a time are left out.
    ax : matplotlib Axes, optional
        Made if not given.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ValueError
        Where no row has a time.
    """
    timed = [row for row in rows if row.seconds is not None]
    if not timed:
        raise ValueError("no row has a time: give compare_searches searches or generators, not only ready answers.")
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.subplots(layout="constrained")[1]
    least = max(max(row.gap for row in timed) / 1e4, min((row.gap for row in timed if row.gap > 0), default=1.0))
    for i, row in enumerate(sorted(timed, key=lambda row: row.seconds)):
        each = row.seconds / len(row.report.gaps)
        spread = None if row.gap_error != row.gap_error else [[min(row.gap, row.gap_error)], [row.gap_error]]
        ax.errorbar(each, row.gap, spread, fmt="o", color=f"C{i % 10}", capsize=3, clip_on=False)
        # Along the line of no gap, names would run into one another.
        turn = 40 if row.gap < least else 0
        label = f"{row.name} ({row.solved:.0%})"
        ax.annotate(label, (each, row.gap), xytext=(5, 5), textcoords="offset points", fontsize=8, rotation=turn)
    ax.set_xscale("log")
    ax.set_yscale("symlog", linthresh=least)
    ax.set_ylim(0, 3 * max(least, *(row.gap for row in timed)))
    ax.margins(x=0.3)
    reference = "argmax" if timed[0].report.exact else "best output known"
    ax.set(xlabel="seconds an example", ylabel=f"mean gap to the {reference}")
    return ax
