"""Accepted and refused arguments of Lightning's Trainer, and how they are typed."""

import inspect
import math
import re
from pathlib import Path

import pytest
import pytorch_lightning as pl
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from colourize.cli.hydra_errors import text_of
from colourize.config.compare import config_hash
from colourize.config.compose import given
from colourize.config.trainer_knobs import CHANGES_NOTHING, REFUSED, TAKEN, WITHOUT_EFFECT, check, normalised, seconds
from colourize.errors import InputError
from tests.conftest import composed, knobs

PAGE = Path(__file__).parent.parent.parent / "docs/trainer.md"


def test_every_argument_of_lightning_is_accepted_or_refused_with_a_reason():
    """A new argument in a version of Lightning fails here, until it is accepted or refused."""
    arguments = set(inspect.signature(pl.Trainer.__init__).parameters) - {"self"}
    assert TAKEN.keys() | REFUSED.keys() == arguments
    assert not TAKEN.keys() & REFUSED.keys()
    assert REFUSED.keys() >= set(WITHOUT_EFFECT)


def test_the_page_shows_both_tables():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|(?: (.*?) \|)?$", PAGE.read_text(), re.M)
    taken = [(name, known["rule"], known["does"]) for name, known in TAKEN.items()]
    assert rows == [*taken, *((name, reason, "") for name, reason in REFUSED.items())]


VALUES = (
    "accumulate_grad_batches=2", "check_val_every_n_epoch=null", "detect_anomaly=true", "deterministic=warn",
    "enable_progress_bar=false", "gradient_clip_algorithm=value", "gradient_clip_val=1", "limit_train_batches=1",
    "limit_val_batches=0.5", "max_time=00:00:10:00", "min_epochs=3", "min_steps=4", "profiler=simple",
    "reload_dataloaders_every_n_epochs=1", "val_check_interval=5",
)  # fmt: skip


@pytest.mark.parametrize("sign", ["", "+", "++"])
@pytest.mark.parametrize("words", [VALUES, ("gradient_clip_val=0.5", "limit_train_batches=1.0", "deterministic=true"),
                                   ("gradient_clip_val=null", "limit_train_batches=null")])  # fmt: skip
def test_with_and_without_a_plus_values_are_stored_as_they_were_typed(sign, words):
    before = OmegaConf.to_container(OmegaConf.from_dotlist(list(words)))  # as in a dict[str, Any]
    stored = knobs(*(f"{sign}trainer.{word}" for word in words))["trainer"]
    assert stored == before
    assert {name: type(value) for name, value in stored.items()} == {
        name: type(value) for name, value in before.items()
    }


def test_every_accepted_argument_is_tested_with_a_value():
    assert {word.partition("=")[0] for word in VALUES} == TAKEN.keys()


def test_the_stored_configuration_and_its_hash_are_the_same_as_before_the_schema():
    plain = knobs()
    assert plain["trainer"] == {} and given(composed())["trainer"] == {}
    old = {**plain, "trainer": {"gradient_clip_val": 1, "max_time": {"minutes": 5}}}
    assert config_hash(knobs("+trainer.gradient_clip_val=1", "+trainer.max_time={minutes:5}")) == config_hash(old)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("accumulate_grad_batches=0", "accumulate_grad_batches must be an integer >= 1, got 0"),
        ("check_val_every_n_epoch=30", "check_val_every_n_epoch must be <= max_epochs=25, got 30"),
        ("detect_anomaly=null", "detect_anomaly must be true or false, got null"),
        ("deterministic=maybe", "deterministic must be true, false or warn, got maybe"),
        ("gradient_clip_algorithm=sum", "gradient_clip_algorithm must be norm or value, got sum"),
        ("gradient_clip_val=-1", "gradient_clip_val must be a number >= 0, got -1"),
        ("gradient_clip_val=inf", "gradient_clip_val must be a number >= 0, got inf"),
        ("limit_train_batches=0", "limit_train_batches must be a number of batches >= 1, or a share in (0, 1] such as"),
        ("limit_val_batches=1.5", "limit_val_batches must be a number of batches >= 1, or a share in (0, 1] such as"),
        ("max_time=10", "max_time must be a time DD:HH:MM:SS > 0, got 10"),
        ("max_time=00:00:00:00", "max_time must be a time DD:HH:MM:SS > 0, got 00:00:00:00"),
        ("max_time={_target_:os.system,command:ls}", "max_time must be a time DD:HH:MM:SS > 0, got {'_target_'"),
        ("min_epochs=26", "min_epochs must be <= max_epochs=25, got 26"),
        ("min_steps=-1", "min_steps must be an integer >= 0, got -1"),
        ("profiler=xla", "profiler must be simple, advanced or pytorch, got xla"),
        ("profiler=my.own.Profiler", "profiler must be simple, advanced or pytorch, got my.own.Profiler"),
        ("_target_=os.system", "_target_=os.system is unknown; docs/trainer.md lists the arguments of a run"),
        ("gradient_clip=1", "gradient_clip=1 is unknown; did you mean trainer.gradient_clip_val?"),
        *((f"{name}=1", f"{name}=1 is refused: {reason}") for name, reason in REFUSED.items()),
    ],
)
def test_refused_arguments_are_named_with_rule_or_reason(word, message):
    name, _, value = word.partition("=")
    with pytest.raises(InputError, match=re.escape(f"trainer.{message}")) as caught:
        check({name: OverridesParser.create().parse_override(f"x={value}").value()}, 25)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["trainer.gradient_clip_val=abc"], "trainer.gradient_clip_val must be a number >= 0, got abc"),
        (["trainer.detect_anomaly=null"], "trainer.detect_anomaly must be true or false, got null"),
        (["trainer.detect_anomaly=maybe"], "trainer.detect_anomaly must be true or false, got maybe"),
        (["trainer.min_epochs=1.5"], "trainer.min_epochs must be an integer >= 0, got 1.5"),
        (["trainer.profiler={_target_:a.b}"], "trainer.profiler must be simple, advanced or pytorch, got another kind"),
        (["trainer={devices:2}"], "trainer.devices is refused: it is a separate knob"),
        (["trainer={gradient_clip:1}"], "trainer.gradient_clip is unknown; did you mean trainer.gradient_clip_val?"),
    ],
)
def test_a_wrong_type_is_one_line_without_the_schema_s_words(words, line):
    with pytest.raises(Exception, match="trainer") as caught:
        composed(*words)
    assert text_of(caught.value.__cause__) == line


def test_a_mistake_in_an_experiment_file_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "experiment").mkdir()
    for text, line in (
        ("trainer: 3", "trainer must be names with values, such as trainer.gradient_clip_val=1"),
        ("trainer: {gradient_clip_val: abc}", "trainer.gradient_clip_val must be a number >= 0, got abc"),
    ):
        (tmp_path / "experiment/mine.yaml").write_text(f"# @package _global_\n{text}\n")
        with pytest.raises(Exception, match="experiment/mine") as caught:
            composed(f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine")
        assert text_of(caught.value) == f"experiment/mine: {line}"


def test_overrides_are_normalised_to_the_schema():
    words = ["kernel=5", "+trainer.min_epochs=2", "++trainer.gradient_clip_val=1,2", "~trainer.max_time", "resume=r"]
    assert normalised(words, words) == [
        "kernel=5", "trainer.min_epochs=2", "trainer.gradient_clip_val=1,2", "trainer.max_time=???", "resume=r",
    ]  # fmt: skip
    assert knobs("trainer.max_time=00:00:10:00", *normalised(["~trainer.max_time"], []))["trainer"] == {}


def test_an_argument_that_is_a_knob_of_its_own_becomes_that_knob():
    words = ["trainer.max_epochs=5", "+trainer.accelerator=cpu", "trainer.precision=bf16-mixed"]
    assert normalised(words, words) == ["max_epochs=5", "accelerator=cpu", "precision=bf16-mixed"]


@pytest.mark.parametrize(
    ("word", "knob"),
    [
        ("+trainer.logger=true", "logger=csv"), ("trainer.logger={_target_: a.B}", "logger=csv"),
        ("+trainer.callbacks=[a]", "callbacks=lr_monitor"), ("+trainer.logger.save_dir=x", "logger=csv"),
        ("+trainer.callbacks.mine._target_=a.B", "callbacks=lr_monitor"),
    ],
)  # fmt: skip
def test_loggers_and_callbacks_of_the_trainer_are_one_line_that_names_their_knob(word, knob):
    with pytest.raises(InputError, match=re.escape(f"is refused: it is a separate knob: pass {knob}")) as caught:
        normalised([word], [word])
    assert "\n" not in str(caught.value)


def test_a_value_of_an_experiment_can_be_removed():
    speedrun = "experiment=speedrun", "model=unet"
    assert knobs(*speedrun)["trainer"] == {"limit_train_batches": 0.8, "check_val_every_n_epoch": 2}
    left = knobs(*speedrun, *normalised(["~trainer.check_val_every_n_epoch"], []))["trainer"]
    assert left == {"limit_train_batches": 0.8}


@pytest.mark.parametrize("word", ["+trainer.devices=2", "+trainer.gradient_clip=1", "+trainer._target_=os.system"])
def test_a_plus_adds_no_other_arguments(word):
    with pytest.raises(
        InputError, match=r"trainer\.(devices=2 is refused|gradient_clip=1 is unk|_target_=os.system is)"
    ):
        knobs(word)


def test_overrides_without_effect_are_dropped_for_an_older_run_and_refused_for_a_user():
    for name in WITHOUT_EFFECT:
        assert normalised([f"+trainer.{name}=1", "lr=1"], ["resume=r"]) == ["lr=1"]
        assert name in CHANGES_NOTHING
        if name == "sync_batchnorm":  # today a knob
            assert normalised([f"trainer.{name}=1"], [f"trainer.{name}=1"]) == ["sync_batchnorm=1"]
            continue
        with pytest.raises(InputError, match=f"trainer.{name}=1 is refused"):
            normalised([f"trainer.{name}=1"], [f"trainer.{name}=1"])


@pytest.mark.parametrize(
    ("time", "length"), [("01:02:03:04", 93784), ({"minutes": 5}, 300), ("00:00:00:01", 1), ({"days": 1}, 86400)]
)
def test_a_time_in_seconds(time, length):
    assert seconds(time) == length


@pytest.mark.parametrize(
    "time",
    ["00:10", 10, "1h", {"minutes": 0}, {"years": 1}, "00:00:00:00", "-1:00:00:00", [5], "9999999999:00:00:00",
     {"hours": 1e300}, {"hours": math.inf}, {"hours": math.nan}],
)  # fmt: skip
def test_an_invalid_time(time):
    with pytest.raises(InputError, match="must be a time DD:HH:MM:SS > 0"):
        check({"max_time": time}, 25)
