"""The plugin ``hydra/sweeper=optuna``. Hydra looks for plugins in the namespace package ``hydra_plugins`` alone."""

from colourize.sweeps import search


class OptunaSweeper(search.Search):
    """``colourize.sweeps.search.Search`` under the name that ``conf/hydra/sweeper/optuna.yaml`` gives it."""
