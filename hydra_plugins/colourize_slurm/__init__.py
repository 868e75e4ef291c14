"""The plugin ``hydra/launcher=submitit_slurm``. Hydra finds plugins only in the namespace package ``hydra_plugins``."""

from colourize.cli import slurm


class SlurmLauncher(slurm.Slurm):
    """``colourize.cli.slurm.Slurm`` under the name that ``conf/hydra/launcher/submitit_slurm.yaml`` gives it."""
