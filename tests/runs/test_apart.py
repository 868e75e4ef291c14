"""Names of compared runs, from whole configurations."""

import pytest

from colourize.runs.apart import run_names
from tests.conftest import knobs


def named(*runs: str) -> list[str]:
    return run_names([knobs("data=scenes", *words.split()) for words in runs])


@pytest.mark.parametrize(
    ("runs", "names"),
    [
        (["model=unet", "model=unet seed=1", "model=poolupsample seed=1"],
         ["UNet seed=0", "UNet seed=1", "PoolUpsampleNet seed=1"]),
        (["model=unet", "model=poolupsample"], ["UNet", "PoolUpsampleNet"]),
        (["model=unet", "model=resunet colour_space=lab"], ["UNet colour_space=rgb", "ResUNet colour_space=lab"]),
        (["model=resunet", "model=resunet_small", "model=unet"],
         ["ResUNet widths=[1,2,4,6]", "ResUNet widths=[0.5,0.75,1,1]", "UNet"]),
        (["model=unet", "model=unet_half"], ["UNet skips=[half,full]", "UNet skips=[half]"]),
        (["", "kernel=5"], ["ConvTransposeNet kernel=3", "ConvTransposeNet kernel=5"]),
        (["", "model.kernel=5"], ["ConvTransposeNet kernel=3", "ConvTransposeNet kernel=5"]),
        (["", "loss=rebalanced", "loss=rebalanced loss.uniform=0.9"],
         ["ConvTransposeNet loss=cross_entropy", "ConvTransposeNet loss=rebalanced uniform=0.5",
          "ConvTransposeNet loss=rebalanced uniform=0.9"]),
        (["model=resunet hints=true", "model=resunet"], ["ResUNet hints=true", "ResUNet hints=false"]),
        (["ema=0.998", ""], ["ConvTransposeNet ema=0.998", "ConvTransposeNet ema=null"]),
        (["", "scheduler=cosine augment=flips optimizer=sgd"],
         ["ConvTransposeNet augment=none scheduler=none optimizer=adam",
          "ConvTransposeNet augment=flips scheduler=cosine optimizer=sgd"]),
        (["seed=1", "data.seed=2", ""],
         ["ConvTransposeNet seed=1 data.seed=0", "ConvTransposeNet seed=0 data.seed=2",
          "ConvTransposeNet seed=0 data.seed=0"]),
        (["", "trainer.gradient_clip_val=1"], ["ConvTransposeNet", "ConvTransposeNet gradient_clip_val=1"]),
        (["", "cache_dir=x save_every=3"], ["ConvTransposeNet (1)", "ConvTransposeNet (2)"]),
        (["kernel=5"], ["ConvTransposeNet"]),
    ],
)  # fmt: skip
def test_runs_are_named_by_their_differing_overrides(runs, names):
    message = named(*runs)
    assert [set(name.split()) for name in message] == [set(name.split()) for name in names]
    assert [name.split()[0] for name in message] == [name.split()[0] for name in names]


def test_any_number_of_runs_can_be_named():
    assert run_names([]) == []


def test_a_run_older_than_a_knob_is_named_as_with_its_default_for_older_runs():
    before = knobs("data=scenes")
    for name in ("loss", "augment", "ema", "hints", "colour_space"):
        del before[name]
    assert run_names([before, knobs("data=scenes", "ema=0.9")]) == [
        "ConvTransposeNet ema=null", "ConvTransposeNet ema=0.9"]  # fmt: skip
