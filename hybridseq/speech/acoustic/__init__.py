"""Acoustic models: networks whose posteriors, divided by priors, score the states of an HMM."""
