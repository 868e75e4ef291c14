"""The plugin ``hydra/launcher=ray``. Hydra finds plugins only in the namespace package ``hydra_plugins``."""

from colourize.sweeps import on_ray


class RayLauncher(on_ray.Jobs):
    """``colourize.sweeps.on_ray.Jobs`` under the name that ``conf/hydra/launcher/ray.yaml`` gives it."""
