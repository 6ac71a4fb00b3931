"""Which code runs automata: a registry of modules that have ``reference``'s functions."""

from hybridseq.kernels.arcs import cpu, reference

_MODULES = {}
_PREFERRED = {}


def register(name, module, devices=()):
    """Add a backend; it becomes the choice for tensors on ``devices`` (torch device types)."""
    _MODULES[name] = module
    _PREFERRED.update(dict.fromkeys(devices, name))


def choose(device, name=None):
    """The backend's name for tensors on ``device``: the one asked for, else the fastest that is exact there."""
    if name is None:
        return _PREFERRED.get(device.type, "reference")
    if name not in _MODULES:
        raise ValueError(f"backend {name!r} is unknown; choose one of {sorted(_MODULES)}, or None for the fastest.")
    devices = [d for d, preferred in _PREFERRED.items() if preferred == name]
    if devices and device.type not in devices:
        raise ValueError(f"backend {name!r} runs on {devices}, but the emissions are on {device.type!r}.")
    return name


def get(name):
    """The module of a registered backend."""
    return _MODULES[name]


register("reference", reference)
register("cpu", cpu, devices=("cpu",))
