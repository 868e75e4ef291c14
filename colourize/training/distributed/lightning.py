"""Lightning's DDP for ranks that we start ourselves."""

from datetime import timedelta
from typing import Any

import pytorch_lightning as pl
import torch
import torch.distributed as dist
from lightning_fabric.plugins import ClusterEnvironment
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from colourize.private.lightning import Wrapped
from colourize.training.distributed import collectives
from colourize.training.distributed.place import Place

TIMEOUT = timedelta(minutes=30)  # of one sum; ``watch`` finds ranks that were killed or stopped much earlier


class Ranks(ClusterEnvironment):
    """Tells Lightning the place of this process. The process group exists already."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return self.place.host

    @property
    def main_port(self) -> int:
        return self.place.port

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self.place.size

    def set_world_size(self, size: int) -> None:
        """Does nothing: the number of ranks is known."""

    def global_rank(self) -> int:
        return self.place.rank

    def set_global_rank(self, rank: int) -> None:
        """Does nothing: the rank is known."""

    def local_rank(self) -> int:
        return self.place.local_rank

    def node_rank(self) -> int:
        return self.place.rank // self.place.local_size


class Ddp(Wrapped):
    """DDP with the same bits in every step, also after a resume, and for weights that are frozen at times.

    Batch norms keep their own statistics between validations (``Together``).
    """

    def __init__(self, place: Place) -> None:
        super().__init__(cluster_environment=Ranks(place), timeout=TIMEOUT, broadcast_buffers=False)

    def configure_ddp(self) -> None:
        """Wraps the module in DDP if it has weights to train; more than two ranks on CPUs add ``in_order``."""
        module: Any = self.model
        if not any(parameter.requires_grad for parameter in module.parameters()):
            return  # a floor has no weights, which DDP refuses
        self.find_unused(bool(module.freezing.epochs))
        super().configure_ddp()
        if dist.get_world_size() > 2 and self.root_device.type == "cpu":
            self.model.register_comm_hook(None, in_order)  # type: ignore[union-attr, operator]


def in_order(state: Any, bucket: dist.GradBucket) -> torch.futures.Future[Tensor]:  # type: ignore[name-defined]
    """The mean of the ranks' gradients, added in their order.

    gloo adds in an order that depends on a weight's place in its bucket, and DDP forms other buckets after the first
    step. So a resumed run would get other bits. With two ranks there is only one order.
    """
    own = bucket.buffer()
    found = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    work: Any = dist.all_gather(found, own, async_op=True)
    return work.get_future().then(lambda done: own.copy_(torch.stack(found).mean(dim=0)))


class Together(Callback):
    """Keeps the ranks together where only rank 0 decides.

    All validate with rank 0's running means and variances, which are those that checkpoints store; and all stop where a
    callback of rank 0, such as a search's pruner, has stopped it. Put it behind the callbacks that it follows.
    """

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = bool(collectives.highest(trainer.should_stop)[0])

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for buffer in pl_module.buffers():
            dist.broadcast(buffer, 0)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        trainer.should_stop = bool(collectives.highest(trainer.should_stop)[0])
