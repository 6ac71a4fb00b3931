"""Label scores from sparse features on CPU, and learners that are compiled as a whole.

``sums`` has the scores and their gradient, ``sequence`` what the learners do with one sequence; ``perceptron``,
``subgradient`` and ``frank_wolfe`` are passes over the data.
"""

from hybridseq.kernels.features.numba_cpu.sums import add_gradient, emissions

__all__ = ["add_gradient", "emissions"]
