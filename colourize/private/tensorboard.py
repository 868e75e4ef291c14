"""Private names of torch's TensorBoard writer."""

from collections.abc import Iterable
from typing import Any

from torch.utils.tensorboard import SummaryWriter

USED = ("torch.utils.tensorboard.SummaryWriter._get_file_writer",)


def add_summaries(writer: SummaryWriter, summaries: Iterable[Any], step: int) -> None:
    """Adds protobuf summaries to a writer's own file; ``SummaryWriter.add_hparams`` would open a second one."""
    for summary in summaries:
        writer._get_file_writer().add_summary(summary, step)
