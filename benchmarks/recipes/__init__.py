"""Recipes: longer runs that reach a figure, each with its settings."""
