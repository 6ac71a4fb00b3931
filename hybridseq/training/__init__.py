"""Fitting: what the estimators share on top of skorch."""
