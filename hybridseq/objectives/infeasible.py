"""What a loss does about rows whose reference the structure forbids."""

import warnings

import torch

from hybridseq.constraints.errors import InfeasibleError
from hybridseq.objectives.contrast import lower_value
from hybridseq.structures import checks

CHOICES = None, "raise", "skip", "unconstrained", "relax"


def feasible_rows(structure, labels):
    """Which rows' reference is possible, (B,) bool: the others are what ``on_infeasible`` is about.

    Parameters
    ----------
    structure : Structure
    labels : (B, T) int64 or (B, T, K) bool tensor
        As in :func:`~hybridseq.objectives.log_loss`.
    """
    checks.check_reference(labels)
    with torch.no_grad():
        return lower_value(structure, labels) > -torch.inf


def _rows(bad):
    rows = bad.nonzero()[:, 0].tolist()
    shown = ", ".join(map(str, rows[:10])) + (", …" if len(rows) > 10 else "")
    return rows, f"{len(rows)} of {len(bad)} rows ({shown})"


def _refuse(bad, structure=None, labels=None):
    rows, said = _rows(bad)
    broken = [] if labels is None or labels.dtype == torch.bool else _violations(structure, labels, rows[0])
    first = f" Row {rows[0]}, position {broken[0].position}: {broken[0].reason} ({broken[0].part})." if broken else ""
    raise InfeasibleError(
        f"the reference of {said} is impossible: a constraint or a score of −inf forbids it.{first} Correct the "
        "labels, or choose on_infeasible='skip', 'unconstrained' or 'relax'.",
        example=rows[0],
        position=broken[0].position if broken else None,
        parts=dict.fromkeys(violation.part for violation in broken),
    )


def _violations(structure, labels, row):
    """What the labels of a row break of the constraints that its plans were compiled from."""
    ids = labels[row][checks.inside(structure)[row]].tolist()
    found = []
    for plan, _ in structure.restrictions:
        if plan.constraint is not None and getattr(plan.positions, "table", None) is None:
            found += plan.constraint.violations([plan.labels[i] for i in ids])
    return sorted(found, key=lambda violation: violation.position)


def _skip(value, bad):
    if not torch.compiler.is_compiling():
        warnings.warn(f"{_rows(bad)[1]} have an impossible reference and are left out of the loss", stacklevel=4)
    return torch.where(bad, 0, value)


def _kept_parts(plan, ids):
    """The plan without the parts that label indices break; None where none is left."""
    return plan if plan.constraint is None and plan.accepts(ids) else plan.relaxed_for(ids)


def _relaxed(structure, labels, bad):
    """The structure without the parts of its plans that the labels break: (rows, structure) for each way to relax."""
    if labels.dtype == torch.bool:
        raise ValueError(
            "on_infeasible='relax' needs one label sequence a row, (B, T) int64: which parts a set of allowed labels "
            "breaks is not defined. Choose 'unconstrained'."
        )
    inside, groups = checks.inside(structure), {}
    for row in bad.nonzero()[:, 0].tolist():
        ids = labels[row][inside[row]].tolist()
        groups.setdefault(tuple(_kept_parts(plan, ids) for plan, _ in structure.restrictions), []).append(row)
    for plans, rows in groups.items():
        found = structure.unrestricted()
        for plan, (_, weights) in zip(plans, structure.restrictions):
            # Soft parts are never broken, so that their weights keep their places.
            found = found if plan is None else found.restrict(plan, weights=weights)
        yield torch.zeros_like(bad).index_fill(0, torch.tensor(rows, device=bad.device), True), found


def check_choice(on_infeasible, choices=CHOICES):
    """Raise unless the choice is known."""
    if on_infeasible not in choices:
        raise ValueError(f"on_infeasible must be one of {list(choices)}; got {on_infeasible!r}.")


def settle(value, bad, on_infeasible, structure=None, labels=None):
    """The loss (B,) after "raise" or "skip" for the bad rows; the error tells what the labels break."""
    if on_infeasible is None or not bad.any():
        return value
    if on_infeasible == "raise":
        _refuse(bad, structure, labels)
    return _skip(value, bad)


def handled(loss, structure, labels, on_infeasible):
    """``loss(structure)``, (B,), with the rows whose labels are impossible treated as asked.

    Parameters
    ----------
    loss : callable
        Structure to (B,).
    on_infeasible : None, "raise", "skip", "unconstrained" or "relax"
        None leaves them +inf. "raise" raises ``InfeasibleError``. "skip": 0 without gradient, and one warning that
        counts them. "unconstrained": scored by the structure without its plans. "relax": scored without those parts
        of its plans that the row's labels break. Rows that are impossible even so stay +inf.
    """
    check_choice(on_infeasible)
    value = loss(structure)
    if on_infeasible is None:
        return value
    bad = ~feasible_rows(structure, labels)
    if on_infeasible in {"raise", "skip"} or not bad.any():
        return settle(value, bad, on_infeasible, structure, labels)
    others = [(bad, structure.unrestricted())]
    if on_infeasible == "relax":
        others = _relaxed(structure, labels, bad)
    for rows, other in others:
        value = torch.where(rows, loss(other), value)
    return value
