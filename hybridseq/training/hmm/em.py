"""Training by EM: expectations, then the parameters that are best for them, until nothing is gained."""

from hybridseq.training.hmm.expectations import expect
from hybridseq.training.hmm.model import Model, Prior
from hybridseq.training.hmm.monitor import ConvergenceMonitor


def fit(
    model: Model,
    data,
    blocks,
    prior: Prior,
    monitor: ConvergenceMonitor,
    *,
    labels=None,
    hard: bool = False,
    update: str,
    names,
) -> Model:
    """Fit a model to sequences.

    Parameters
    ----------
    model : Model
        Where to start. Zeros of starts and transitions stay zero.
    data, blocks, labels, hard
        See :func:`hybridseq.training.hmm.expectations.expect`.
    prior : Prior
        Its mode is sought together with the likelihood's (MAP).
    monitor : ConvergenceMonitor
        Takes what each iteration reaches, and says when to stop.
    update : str
        The letters of the parameters that change.
    names : sequence of str
        The states, for errors and warnings.

    Returns
    -------
    Model
        After Ctrl-C, the last one that an iteration completed.

    Notes
    -----
    Where all states are given and the emissions' best parameters have a closed form, one pass is all there is.
    """
    if labels is not None and (labels >= 0).all() and model.emissions.is_closed_form(data):
        model = prior.maximise(model, expect(model, data, blocks, labels), update, names)
        reached = expect(model, data, blocks, labels).log_likelihood
        monitor.report(reached + prior.log_density(model), reached)
        monitor.converged = True
        return model
    best = model
    try:
        for _ in range(monitor.n_iter):
            expected = expect(model, data, blocks, labels, hard)
            if not monitor.report(expected.log_likelihood + prior.log_density(model), expected.log_likelihood):
                return best
            best, model = model, prior.maximise(model, expected, update, names)
            if monitor.converged:
                break
    except KeyboardInterrupt:
        return model
    return model
