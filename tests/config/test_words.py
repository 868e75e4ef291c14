"""``resume=`` takes knobs and options from a folder, never code, configuration files or a place to write."""

import json
import shlex
from pathlib import Path

import pytest

from colourize import files
from colourize.config.compare import telling
from colourize.errors import InputError
from colourize.runs import manifest, resume, run_folder

HOSTILE = [
    "+hydra.callbacks.x._target_=os.mkdir",
    "++hydra.callbacks.x={_target_: os.mkdir, path: canary}",
    "hydra.callbacks.summary._target_=os.mkdir",
    "hydra.searchpath=[file:///tmp/evil]",
    "hydra.sweep.subdir=/tmp/evil",
    "hydra.output_subdir=/tmp/evil",
    "hydra.job.chdir=true",
    "hydra.job_logging.handlers.file.filename=/tmp/evil",
    "hydra/job_logging=none",
    "hydra/launcher=submitit_slurm",
    "hydra/launcher=../../evil",
    "hydra.launcher.pre_dispatch=__import__('os').mkdir('canary')",
    "hydra.launcher.n_jobs=x",
    "hydra.launcher._target_=os.mkdir",
    "hydra.launcher.temp_folder=/tmp/evil",
    "hydra.sweeper.params={x: y}",
    "hydra.sweeper._target_=os.mkdir",
    "model._target_=os.mkdir",
    "+model.num_filters={_target_: os.mkdir, path: canary}",
    "+model.num_filters={'_target_': os.mkdir}",
    '+model.num_filters={"_target_": os.mkdir}',
    "+model.num_filters=[{_target_: os.mkdir}]",
    "+model.num_filters={a: {_partial_: true}}",
    "model={_target_: os.mkdir, path: canary}",
    "+data.classes={_target_: os.mkdir}",
    "data._target_=os.mkdir,os.rmdir",
    "+trainer.logger={_target_: os.mkdir}",
    "+trainer={logger: {_target_: os.mkdir}}",
    "+loss._target_=sympy.sympify",
    "+optimizer._args_=[x]",
    "model=../../evil",
    "model=/tmp/evil",
    "experiment=/tmp/evil",
    "experiment=nowhere",
    "experiment=batch_size,../../evil",
    "model@hydra.callbacks.x=unet",
    "+model@_global_=unet",
    "lr=${oc.env:HOME}",
    "lr=${hydra:runtime.cwd}",
    "lr='${oc.env:HOME}'",
    "lr=${colourize.scaled:${oc.env:HOME},1,1}",
    "lr=${scaled:${oc.env:HOME},1,1}",
    "resume=elsewhere",
    "+kernl=3",
    "~hydra.callbacks.summary",
    "--config-dir=/tmp/evil",
    "-cd=/tmp/evil",
    "--multirun",
    "--config-name",
    "",
    "=",
    "kernel",
    "kernel=[",
    "x" * 100_000,
    "kernel=" + "[" * 5000 + "]" * 5000,
    "\x1b]0;evil\x07=3",
    r"+model.x=$\{oc.create:\{_target_: os.mkdir\, path: canary\}\}",
    r"data.classes=$\{oc.env:HOME\}",
    r"+model.x={$\{oc.env:HOME\}: 1}",
    r"+model.x=[{a: $\{oc.env:HOME\}}]",
    r"+model.x={\_target_: os.mkdir}",
    "classes='$'{oc.env:HOME}",
    "lr='${colourize.scaled:0.001,${oc.env:HOME},1}'",
    "lr='${scaled:0.001,${oc.env:HOME},1}'",
    "lr='${batch_size}${oc.env:HOME}'",
    "lr='${colourize.scaled:1,2,3}${oc.env:HOME}'",
    "lr='${scaled:1,2,3}${oc.env:HOME}'",
    "palette=str('${oc.env:HOME}')",
    "classes=choice('${oc.env:HOME}',a)",
    "classes=sort(b,'${oc.env:HOME}')",
    "classes=glob(*)",
    "seed=range(0,1000000000000)",
    "hydra.launcher.n_jobs=1000000",
    "model=null",
    "data=null",
    "experiment=null",
    "data.root='a\0b'",
    "logger=../../evil",
    "logger=[csv,../../evil]",
    "logger={mlflow: {tracking_uri: 'http://evil'}}",
    "logger.mlflow.tracking_uri=http://evil",
    "data.root=http://evil",
    "data.root=s3://bucket/of-others",
    "data.root='https://evil'",
    "logger.wandb.entity=evil",
    "callbacks=[../../evil]",
    "trainer=../../evil",
    "debug=/tmp/evil",
    "+callbacks.mine._target_=os.mkdir",
    "+callbacks.mine={_target_: os.mkdir}",
    "callbacks={mine: {_target_: os.mkdir}}",
    "lr_scale={_target_: 1}",
    "freeze={_target_: os.mkdir}",
    "model.widths={down*: 1}",
    "model.kernel-size=3",
    "model.a$b=3",
]
GOOD = [
    "model=unet", "model=unet,resunet", "kernel=3,5", "kernel=range(1,8)", "lr=tag(log,interval(1e-4,1e-1))", "seed=1",
    "classes=[cat,dog]", "+trainer.max_time='00:00:10'", "trainer.gradient_clip_val=1", "experiment=batch_size",
    "model.widths=[1,2]", "+augment.shift=2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "~augment",
    "hydra/sweeper=optuna", "hydra.sweeper.n_trials=60", "lr='${colourize.scaled:0.001,${batch_size},100,0.5}'",
    "lr=${batch_size}", "lr='${colourize.per_network:${model._target_},{UNet:3}}'",
    "logger=csv", "logger=[tensorboard,wandb]", "logger=csv,none",
    "callbacks=[lr_monitor,timer]", "callbacks=swa", "trainer=cpu", "debug=fast", "callbacks.swa.swa_lrs=0.1",
    "lr_scale={encoder: 0.1, down*: 0.5}", "lr_scale={up1.0: 0.5}", "freeze={down*: 3}", "freeze=[down*,2]",
    "~trainer.max_time", "palette=kmeans", "trainer={max_time: '00:10'}",
]  # fmt: skip


def begun(folder: Path, words, **more):
    folder.mkdir(exist_ok=True)
    manifest.write(folder, overrides=words, **more)
    return folder


def resumed(folder, *typed):
    return resume.resumed([f"resume={folder}", *typed])


@pytest.mark.parametrize("word", HOSTILE, ids=lambda word: repr(word)[:40])
@pytest.mark.parametrize("kind", ["run", "sweep"])
def test_a_hostile_override_is_refused_in_one_line(tmp_path, word, kind):
    folder = begun(tmp_path / "theirs", ["seed=1", word])
    if kind == "sweep":
        (folder / "run.json").unlink()
        (folder / "sweep.json").write_text(json.dumps({"overrides": ["seed=1", word], "cwd": "/"}))
    with pytest.raises(InputError, match="a file may only set knobs and choose options") as caught:
        resumed(folder)
    text = str(caught.value)
    assert len(text) < 600 and text.isprintable()


@pytest.mark.parametrize("word", GOOD)
def test_the_command_that_started_a_run_resumes_it(tmp_path, word):
    assert word in resumed(begun(tmp_path / "mine", [word]))


@pytest.mark.parametrize("value", ["scaled:0.001,${batch_size},100,0.5", "per_network:${model._target_},{UNet:3}"])
def test_an_older_run_s_resolvers_are_renamed(tmp_path, value):
    older, now = f"lr='${{{value}}}'", f"lr='${{colourize.{value}}}'"
    assert now in resumed(begun(tmp_path / "mine", [older]))
    assert telling([older]) == telling([now])


@pytest.mark.parametrize("word", ["hydra.searchpath=[file:///tmp/mine]", "+hydra.callbacks.x._target_=my.Callback"])
def test_a_repeated_override_takes_effect(tmp_path, word):
    folder = begun(tmp_path / "mine", ["seed=1", word])
    assert resumed(folder, word)[:2] == ["seed=1", word] or word in resumed(folder, word)


def test_a_searchpath_is_stored_and_must_be_typed_again(tmp_path):
    folder, word = tmp_path / "mine", "hydra.searchpath=[file:///tmp/mine]"
    folder.mkdir()
    run_folder.announce(folder, ["experiment=batch_size"], [word, "hydra.run.dir=x"])
    with pytest.raises(InputError, match=r"its file contains hydra\.searchpath=\[file:///tmp/mine\], but a file"):
        resumed(folder)
    assert word in resumed(folder, word)


def test_a_file_does_not_determine_where_we_write(tmp_path):
    words = ["cache_dir=/evil", "+data.cache_dir=/evil", "hydra.run.dir=/evil", "hydra.mode=RUN", "+data.download=true"]
    found = resumed(begun(tmp_path / "theirs", ["data=folder", *words]))
    assert found == ["data=folder", "hydra.mode=RUN", f"hydra.run.dir='{tmp_path / 'theirs'}'"]
    assert "cache_dir=mine" in resumed(tmp_path / "theirs", "cache_dir=mine")


def test_an_existing_cache_is_used_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    files.make_cache(tmp_path / "cache")
    folder = begun(tmp_path / "mine", ["cache_dir=cache", "+data.cache_dir=cache"], cwd=str(tmp_path))
    assert resumed(folder)[:2] == ["cache_dir=cache", "+data.cache_dir=cache"]
    monkeypatch.chdir(tmp_path / "here")
    assert resumed(folder)[:2] == [f"{name}='{tmp_path}/cache'" for name in ("cache_dir", "+data.cache_dir")]


def test_relative_paths_are_read_from_the_directory_of_the_first_start(tmp_path, monkeypatch):
    home, here = tmp_path / "home", tmp_path / "here"
    (home / "data/cifar-10-batches-py").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    words = ["data=folder", "data.root=pictures", "palette=mine.npy", "ckpt_path=/abs/x.ckpt"]
    found = resumed(begun(tmp_path / "run", words, cwd=str(home)))
    assert found[:4] == ["data=folder", f"data.root='{home}/pictures'", f"palette='{home}/mine.npy'",
                         "ckpt_path='/abs/x.ckpt'"]  # fmt: skip
    assert Path.cwd() == here
    again = resumed(begun(tmp_path / "other", ["palette=kmeans"], cwd=str(home)))
    assert again[:3] == ["palette=kmeans", f"data.root='{home}/data'", "+data.download=false"]
    monkeypatch.chdir(home)
    assert resumed(tmp_path / "run")[:4] == words
    assert resumed(tmp_path / "other")[:2] == ["palette=kmeans", "hydra.mode=RUN"]


def test_cifar_10_is_not_downloaded_to_a_folder_named_only_in_the_file(tmp_path):
    folder = begun(tmp_path / "theirs", ["data.root=/evil"])
    assert resumed(folder)[:2] == ["data.root=/evil", "+data.download=false"]
    spelt = "data=cifar10", "data='cifar10'", 'data="cifar10"', "+data=cifar10", "++data=cifar10", "data= cifar10"
    for word in (*spelt, "data=str(cifar10)", "data=choice(cifar10)", "data=cifar10,cifar10"):
        found = resumed(begun(folder, [word, "data.root=/evil"]))
        assert found[:3] == [word, "data.root=/evil", "+data.download=false"]
    with pytest.raises(InputError, match=r"data\.root=/evil: a file must not name a place to download to; type it"):
        resumed(begun(folder, ["data=cifar10,folder", "data.root=/evil"]))
    begun(folder, ["data.root=/evil"])
    assert "+data.download=false" not in resumed(folder, "data.root=mine")


CIFAR, FOLDER = ({"data": {"_target_": f"colourize.data.{name}.load"}} for name in ("cifar10", "folder"))


def test_other_sources_than_cifar_10_need_no_root(tmp_path, monkeypatch):
    home = tmp_path / "home"
    (home / "data/cifar-10-batches-py").mkdir(parents=True)
    words = ["experiment=mine", "data.root=pictures"]
    folder = begun(tmp_path / "run", words, config=FOLDER)
    assert resumed(folder, "experiment=mine")[:2] == ["data.root=pictures", "hydra.mode=RUN"]
    monkeypatch.chdir(tmp_path)
    away = begun(tmp_path / "away", ["experiment=mine"], config=FOLDER, cwd=str(home))
    assert not [word for word in resumed(away, "experiment=mine") if word.startswith(("data", "+data"))]
    archive = begun(tmp_path / "archive", ["experiment=batch_size"], config=CIFAR, cwd=str(home))
    assert resumed(archive)[1:3] == [f"data.root='{home}/data'", "+data.download=false"]


def test_the_command_to_resume_an_own_run_repeats_the_necessary_overrides(tmp_path):
    words = ["seed=1", "experiment=mine", "model._target_=my.Net"]
    folder = begun(tmp_path / "mine", words, searchpath=["hydra.searchpath=[file:///x]"])
    command = shlex.split(resume.resume_command("python train.py", folder, own=True))
    assert command[2:] == [f"resume={folder}", *words[1:], "hydra.searchpath=[file:///x]"]
    assert set(words) <= set(resume.resumed(command[2:]))
    assert resume.resume_command("python train.py", folder) == f"python train.py resume={folder}"  # anyone's folder


def test_all_overrides_that_must_be_typed_again_are_named_at_once(tmp_path):
    folder = begun(tmp_path / "mine", ["model._target_=my.Net", "seed=1", "experiment=mine"])
    with pytest.raises(InputError, match=r"contains model\._target_=my\.Net, experiment=mine, but a file"):
        resumed(folder)


def test_a_folder_other_than_a_cache_is_named(tmp_path, caplog):
    resumed(begun(tmp_path / "theirs", ["cache_dir=/evil"]))
    assert "cache_dir=/evil is not a cache of colourize" in caplog.text


def test_an_added_argument_can_be_removed_again(tmp_path):
    folder = begun(tmp_path / "mine", ["seed=1", "+trainer.max_time='00:00:10'", "+augment.shift=1"])
    found = resumed(folder, "~trainer.max_time", "~augment.shift")
    assert found == ["seed=1", "hydra.mode=RUN", f"hydra.run.dir='{folder}'"]
    assert "~optimizer.fused" in resumed(folder, "~optimizer.fused")


def test_a_typed_override_replaces_any_override_of_the_file(tmp_path):
    folder = begun(tmp_path / "mine", ["+trainer.max_time=1", "model._target_=my.Net"])
    found = resumed(folder, "trainer.max_time=2", "model._target_=my.Net")
    assert found[-2:] == ["+trainer.max_time=2", "model._target_=my.Net"] or set(found) >= {
        "+trainer.max_time=2",
        "model._target_=my.Net",
    }


@pytest.mark.parametrize("cwd", ["a\0b", "\ud800", "x" * 5000, "~nosuchuser/x", "loop"])
def test_an_impossible_working_directory_is_ignored(tmp_path, monkeypatch, cwd):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    words = ["data=folder", "palette='~nosuchuser/x.npy'", "cache_dir='~nosuchuser'"]
    found = resumed(begun(tmp_path / "theirs", words, cwd=cwd))
    assert [word for word in found if word.startswith("palette=")]


@pytest.mark.parametrize("word", ["ckpt_path=other.ckpt", "experiment=speedrun", "+experiment=speedrun"])
def test_a_knob_for_a_new_run_is_refused(tmp_path, word):
    manifest.write(tmp_path, overrides=["seed=1"], status="interrupted")
    with pytest.raises(InputError, match=r"resume=\S+ continues from the folder's own checkpoint; leave out ") as error:
        resume.resumed([f"resume={tmp_path}", "max_epochs=9", word])
    assert str(error.value).endswith(word)
    manifest.write(tmp_path, overrides=[word], status="interrupted")
    assert "max_epochs=9" in resume.resumed([f"resume={tmp_path}", "max_epochs=9", word])
