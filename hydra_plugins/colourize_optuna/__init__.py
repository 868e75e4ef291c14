"""The plugin ``hydra/sweeper=optuna``. Hydra finds plugins only in the namespace package ``hydra_plugins``."""

from colourize.sweeps import search


class OptunaSweeper(search.Search):
    """``colourize.sweeps.search.Search`` under the name that ``conf/hydra/sweeper/optuna.yaml`` gives it."""
