import warnings

import pytest

from hybridseq.training.hmm.monitor import ConvergenceMonitor


def test_a_gain_below_tol_is_convergence(capsys):
    monitor = ConvergenceMonitor(tol=0.5, n_iter=9, verbose=True)
    assert monitor.report(-10, -11) and not monitor.converged
    assert monitor.report(-9, -9) and not monitor.converged
    assert monitor.report(-8.9, -9) and monitor.converged
    assert monitor.history == [-10, -9, -8.9] and monitor.log_likelihood == [-11, -9, -9] and monitor.iter == 3
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_a_fall_is_not_noted():
    monitor = ConvergenceMonitor(tol=0, n_iter=9)
    monitor.report(-9, -9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not monitor.report(-9 - 1e-9, -9)
    assert monitor.history == [-9] and monitor.converged


def test_a_fall_beyond_rounding_is_told():
    monitor = ConvergenceMonitor(tol=0, n_iter=9)
    monitor.report(-9, -9)
    with pytest.warns(UserWarning, match="stops after 1 iterations"):
        assert not monitor.report(-9.1, -9)
