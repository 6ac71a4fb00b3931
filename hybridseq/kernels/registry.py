"""Which code runs an operation: modules that have the same functions, by name and by device."""


class Registry:
    """Modules that have the functions of a reference, which runs wherever no other is preferred."""

    def __init__(self):
        self._modules, self._preferred = {}, {}

    def register(self, name, module, devices=()):
        """Add a backend; it becomes the choice for tensors on ``devices`` (torch device types)."""
        self._modules[name] = module
        self._preferred.update(dict.fromkeys(devices, name))

    def choose(self, device, name=None):
        """The backend's name for tensors on ``device``: the one asked for, else the fastest that is exact there."""
        if name is None:
            return self._preferred.get(device.type, "reference")
        if name not in self._modules:
            raise ValueError(
                f"backend {name!r} is unknown; choose one of {sorted(self._modules)}, or None for the fastest."
            )
        devices = [d for d, preferred in self._preferred.items() if preferred == name]
        if devices and device.type not in devices:
            raise ValueError(f"backend {name!r} runs on {devices}, but the emissions are on {device.type!r}.")
        return name

    def get(self, name):
        """The module of a registered backend."""
        return self._modules[name]
