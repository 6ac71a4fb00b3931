"""Generators that answer, critics that score: structured prediction whose inference is learned."""
