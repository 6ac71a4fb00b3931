"""Signs that one player has won, and what to do about it."""

#: After so many epochs in a row.
PATIENCE = 5
_SURE, _FLAT, _STILL = 0.98, 1e-6, 1e-7


class Watch:
    """Looks at the epochs' rows for signs of collapse; tells each sign once.

    Parameters
    ----------
    recipe : TwoPlayers
    patience : int
        How many epochs in a row a sign must last.
    """

    def __init__(self, recipe, patience=PATIENCE):
        self.recipe, self.patience = recipe, patience
        self._lasted, self._told = {}, set()

    def see(self, row) -> list[str]:
        """What is to be warned of after an epoch."""
        signs = {
            "critic": row.get("critic_accuracy", 0) > _SURE and self.recipe.is_gan,
            "noise": row.get("spread", 1) < _FLAT,
            "generator": row["gradient_norm"] < _STILL,
        }
        found = []
        for name, there in signs.items():
            self._lasted[name] = self._lasted.get(name, 0) + 1 if there else 0
            if self._lasted[name] >= self.patience and name not in self._told:
                self._told.add(name)
                found.append(self._message(name, row))
        return found

    def _message(self, name, row):
        epochs = f"for {self.patience} epochs, up to epoch {row['epoch']},"
        if name == "critic":
            return (
                f"{epochs} the critic told {row['critic_accuracy']:.1%} of the real outputs from made ones: the "
                "generator learns little from it. Lower critic_rate, raise gradient_penalty, use spectral norm, or "
                "give the generator more steps."
            )
        if name == "noise":
            return (
                f"{epochs} the generator gave the same answer for different z (mean squared difference "
                f"{row['spread']:.1e}): it ignores the noise. Lower the anchor, raise mismatch, or give noise_size=0."
            )
        return (
            f"{epochs} the generator's gradient was near 0 (norm {row['gradient_norm']:.1e}): it learns nothing. "
            "Set truncate_generator=False, use another objective, or give it an anchor."
        )
