import logging
import shutil

import pytest

from colourize.config import compare
from colourize.config.knobs import before as held
from colourize.errors import InputError
from colourize.evaluation.comparison import evaluate
from colourize.runs import checkpoint, manifest
from colourize.tasks.chosen import train
from tests.commands import typed
from tests.conftest import QUICK, knobs


@pytest.mark.parametrize(
    "option",
    [
        ("model", "unet"),
        ("optimizer", "adamw"),
        ("scheduler", "cosine"),
        ("data", "cifar10"),
        ("loss", "focal"),
        ("augment", "flips"),
        ("model", "prior"),
    ],
)
def test_the_remedy_can_be_typed_as_it_is(option):
    group, name = option
    words = [word for word in QUICK if not (group == "data" and word.startswith("data"))]
    config = knobs(*words, f"{group}={name}", "max_epochs=9", "image_size=32" if group == "data" else "image_size=8")
    before = {
        "model": "convtranspose",
        "optimizer": "adam",
        "scheduler": "none",
        "data": "scenes",
        "loss": "cross_entropy",
        "augment": "none",
    }[group]
    with pytest.raises(InputError, match=f"x was trained with {group}={before}, not {name}; pass {group}={before}, or"):
        compare.check_changes(knobs(*QUICK), config, "x was trained")


def test_allowed_changes_are_named(caplog):
    with caplog.at_level(logging.WARNING):
        compare.check_changes(knobs(*QUICK), knobs(*QUICK, "max_epochs=7", "cache_dir=elsewhere"), "x was trained")
    assert [record.getMessage() for record in caplog.records] == [
        "x was trained with max_epochs=2; it is resumed with 7"
    ]


def test_differences_name_the_innermost_key():
    old, new = {"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1, "c": 4, "e": 5}, "d": 3}
    assert compare.differences("x", old, new) == [("x.a.c", 2, 4), ("x.a.e", None, 5)]


def test_the_hash_identifies_the_values_with_an_effect():
    hashes = {compare.config_hash(knobs(*QUICK, *words)) for words in ([], ["cache_dir=elsewhere"], ["save_every=7"])}
    assert len(hashes) == 1
    assert compare.config_hash(knobs(*QUICK, "seed=1")) not in hashes


def older(config):
    """The configuration in the form before the knob ``dilation`` and all newer knobs."""
    model = {key: value for key, value in config["model"].items() if key not in held("model")}
    optimizer = {key: value for key, value in config["optimizer"].items() if key != "fused"}
    return {
        **{key: value for key, value in config.items() if key not in held()},
        "model": model,
        "optimizer": optimizer,
    }


def test_an_old_run_on_a_folder_is_resumed_without_colour_profiles(picture_folder, tmp_path, monkeypatch):
    words = ["data=folder", f"data.root={picture_folder}", "image_size=8", "num_filters=4", "num_colours=4"]
    words += ["batch_size=4", "max_epochs=1", f"cache_dir={tmp_path / 'cache'}"]
    now = knobs(*words)
    assert now["data"]["profiles"] is True
    before = older(now)
    before["data"] = {key: value for key, value in now["data"].items() if key not in held("data")}
    goes_on = compare.as_begun(now, before, words)
    assert goes_on["data"]["profiles"] is False
    compare.check_changes(before, goes_on, "x was trained")
    assert compare.config_hash(before) == compare.config_hash(goes_on)
    typed_first = {**now, "measures": "all", "one_pass": False}
    assert compare.as_begun(now, before, ["data.profiles=true"]) == typed_first  # typed overrides take precedence
    assert compare.as_begun(now, {"data": "odd"}, words) == now
    assert (
        compare.as_begun(now, None, words) == compare.as_begun(now, now, words) == now
    )  # a new run, and a current one
    assert compare.as_begun(now, knobs(*QUICK), words) == now  # of other pictures; another check refuses them
    with pytest.raises(InputError, match=r"x was trained with data.profiles=false, not true; pass data.profiles=false"):
        compare.check_changes(before, now, "x was trained")

    run = tmp_path / "run"
    train(now, run, words)
    for file in (run / "checkpoints").glob("*.ckpt"):
        contents = checkpoint.read(file)
        checkpoint.write({**contents, "config": before}, file.with_name("new"))
        file.with_name("new").replace(file)
    manifest.update(run, config=before)
    evaluate([str(run)], num_resamples=20)
    typed(monkeypatch, f"resume={run}", "max_epochs=2")
    assert checkpoint.read(run / "checkpoints/last.ckpt")["config"]["data"]["profiles"] is False


@pytest.mark.parametrize(("words", "held"), [([], "all"), (["measures=quick"], "quick"), (["++measures=all"], "all")])
def test_an_old_run_ends_with_the_measures_that_were_the_default_at_its_start(words, held):
    before = older(knobs(*QUICK))
    goes_on = compare.as_begun(knobs(*QUICK, *words), before, [*QUICK, *words])
    assert goes_on == {**knobs(*QUICK), "measures": held, "one_pass": False}
    for mine in ("quick", "all"):  # a current run has its own
        assert compare.as_begun(now := knobs(*QUICK, f"measures={mine}"), knobs(*QUICK), []) == now


def test_a_new_value_in_an_experiment_file_does_not_change_an_old_run():
    now, before = knobs("experiment=palette"), older(knobs("experiment=palette"))
    assert compare.as_begun({**now, "measures": "quick"}, before, ["experiment=palette"])["measures"] == "all"
    trained = {**now, "colour_space": "lab"}  # determines the training: kept, so that it is refused by name
    assert compare.as_begun(trained, before, ["experiment=palette"])["colour_space"] == "lab"


def with_an_older_optimizer(contents):
    """A checkpoint's contents as written with torch's unfused optimizer."""
    (state,) = contents["optimizer_states"]
    groups = [{**group, "fused": None} for group in state["param_groups"]]
    return {**contents, "optimizer_states": [{**state, "param_groups": groups}]}


def test_a_configuration_older_than_the_dilation_is_resumed_and_distinguished_from_another(caplog):
    before = older(knobs(*QUICK))
    assert "dilation" not in str(before) and "fused" not in str(before)
    goes_on = compare.as_begun(knobs(*QUICK), before, QUICK)
    assert goes_on["one_pass"] is False  # so that the bits stay
    assert compare.config_hash(before) == compare.config_hash(goes_on)
    with caplog.at_level(logging.WARNING):
        compare.check_changes(before, goes_on, "x was trained")
    assert caplog.records == []
    with pytest.raises(InputError, match=r"x was trained with colour_space=rgb, not lab; pass colour_space=rgb, or"):
        compare.check_changes(before, knobs(*QUICK, "colour_space=lab"), "x was trained")
    with pytest.raises(InputError, match=r"x was trained with dilation=1, not 2; pass dilation=1, or"):
        compare.check_changes(before, knobs(*QUICK, "dilation=2"), "x was trained")
    with pytest.raises(InputError, match=r"x was trained with dilation=2, not 1; pass dilation=2, or"):
        compare.check_changes(knobs(*QUICK, "dilation=2"), knobs(*QUICK), "x was trained")


def test_a_value_is_shown_as_typed():
    message = "x was trained with optimizer.fused=false, not null; pass optimizer.fused=false, or"
    with pytest.raises(InputError, match=message):
        compare.check_changes(
            knobs(*QUICK, "optimizer.fused=false"), knobs(*QUICK, "optimizer.fused=null"), "x was trained"
        )
    with pytest.raises(InputError, match=r"x was trained with patience=null, not 3; pass patience=null, or"):
        compare.check_changes(knobs(*QUICK), knobs(*QUICK, "patience=3"), "x was trained")


def test_an_older_run_is_evaluated_found_finished_and_resumed(finished_run, shared_cache, tmp_path):
    run, cache = tmp_path / "run", f"cache_dir={shared_cache}"
    shutil.copytree(finished_run, run)
    for file in (run / "checkpoints").glob("*.ckpt"):
        contents = checkpoint.read(file)
        contents = with_an_older_optimizer(contents)
        checkpoint.write({**contents, "config": older(contents["config"])}, file.with_name("new"))
        file.with_name("new").replace(file)
    manifest.update(run, config=older(manifest.read(run)["config"]))
    (row,) = [row for row in evaluate([str(run)], num_resamples=20) if row.kind == "model"]
    assert row.name == "ConvTransposeNet"
    written = (run / "checkpoints/last.ckpt").stat().st_mtime_ns
    train(knobs(*QUICK, cache), run)
    assert (run / "checkpoints/last.ckpt").stat().st_mtime_ns == written  # nothing to do
    assert train(knobs(*QUICK, "max_epochs=3", cache), run)["epoch"] == 2
    (state,) = checkpoint.read(run / "checkpoints/last.ckpt")["optimizer_states"]
    assert state["param_groups"][0]["fused"] is None  # not the knob's value
