"""Which code runs the chain: a registry of modules that have ``reference``'s functions."""

from hybridseq.kernels.chain import cpu, reference
from hybridseq.kernels.registry import Registry

_registry = Registry()
register, choose, get = _registry.register, _registry.choose, _registry.get

register("reference", reference)
register("cpu", cpu, devices=("cpu",))
