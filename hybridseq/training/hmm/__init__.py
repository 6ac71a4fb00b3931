"""Hidden Markov models below the estimators: families of emissions, and their training by EM."""
