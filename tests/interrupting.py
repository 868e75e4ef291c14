"""Calls an action in a step of training."""

from colourize.tasks.colourization.module import Colourizer


def in_step(monkeypatch, step, action, module=Colourizer):
    """Calls an action at the beginning of a step, counted over all epochs from 0; never in a range test (lr=auto)."""
    original = module.training_step

    def training_step(self, batch, batch_idx):
        if self._trainer is not None and self.trainer.fit_loop.total_batch_idx == step:
            action()
        return original(self, batch, batch_idx)

    monkeypatch.setattr(module, "training_step", training_step)
