"""Private names of Optuna."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna

USED = ("optuna.create_study().ask().study.trials.0._trial_id",)


def running_trial(study: "optuna.Study", number: int) -> "optuna.Trial":
    """A trial that another process has added to the study."""
    import optuna

    return optuna.trial.Trial(study, study.trials[number]._trial_id)
