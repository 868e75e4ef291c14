"""What people who know Hydra type by habit."""

import pytest

import colourize
from colourize.config.knobs import KNOBS
from colourize.runs import manifest
from tests.commands import run, typed
from tests.conftest import QUICK


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["--info", "defaults-tree"], "model: convtranspose"),
        (["--info", "defaults-tree", "experiment=resunet"], "experiment: resunet"),
        (["--info", "defaults"], "optimizer/adam"),
        (["--info", "searchpath"], "main"),
        (["--info", "config", "model=unet"], "colourize.models.unet.UNet"),
        (["--cfg", "job", "--resolve", "kernel=5"], "\n  kernel: 5\n"),
        (["kernel=5", "--cfg", "job", "--resolve", "seed=7"], "\n  kernel: 5\n"),
        (["--cfg", "job", "--package", "optimizer"], "_target_: torch.optim.Adam"),
        (["--cfg", "job", "trainer.max_epochs=5", "trainer=cpu", "debug=fast"], "\nmax_epochs: 5\n"),
        (["--cfg", "hydra"], "subdir: ${hydra.job.num}"),
        (["-c", "job", "experiment=resunet"], "colourize.models.resunet.ResUNet"),
        (["--cfg", "job", "+experiment=resunet", "+model=unet"], "colourize.models.unet.UNet"),
        (["--cfg", "job", "~logger", "~callbacks"], "\nlogger: {}\ncallbacks: {}\n"),
        (["--cfg", "job", "freeze=encoder,first,3"], "freeze:\n- encoder\n- first\n- 3\n"),
        (["--hydra-help"], "--multirun"),
        (["-sc", "install=bash"], "complete "),
    ],
)
def test_hydra_s_own_questions_are_answered_and_nothing_is_trained(tmp_path, words, printed):
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert printed in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trainer.devices=99"], "devices must be <= "),
        (["trainer.fast_dev_run=true"], "trainer.fast_dev_run=true is refused: pass debug=fast"),
        (["trainer=gpu2"], "trainer"),
        (["hydra/launcher=slurm"], "hydra/launcher=slurm is unknown; pass one of basic"),
        (["tags=paper"], "tags must be a list; pass tags=[one,another]"),
        (["name=' '"], "name must be 1 to 100 printable characters"),
        (["--config-name", "confg"], "confg"),
        (
            ["classes=cat,dog", "freeze=stem,first"],
            "classes=cat,dog has several values; pass classes=[cat,dog] for a list, --multirun for",
        ),
        (
            ["logger=csv,wandb"],
            "logger=csv,wandb has several values; pass logger=[csv,wandb] for a list, --multirun fo",
        ),
        (["debug=[fast,limit]"], "debug takes one option, got debug=[fast,limit]; pass debug=fast"),
        (["model=[unet,resunet]"], "model takes one option, got model=[unet,resunet]; pass model=unet"),
        (["logger=null"], "logger must be the name of an option, got null; pass logger=none, or leave it out"),
        (["model=null"], "model must be the name of an option, got null; pass one of convtranspose, encoder_unet, "),
        (["experiment=null"], "experiment must be the name of an option, got null; pass one of batch_size, "),
        (["+callbacks=[timer,null]"], "callbacks must be the name of an option, got null; pass callbacks=none, or "),
        (["-m", "loss=focal,null"], "loss must be the name of an option, got null; pass one of cross_entropy, "),
        (
            ["logger=3"],
            "logger must be the name of an option, got 3; pass one of csv, mlflow, none, tensorboard, wandb",
        ),
        (["trainer={devices: 1}"], "trainer must be the name of an option, got {'devices': 1}; pass one of cpu, "),
        (["--confg", "job"], "unrecognized arguments: --confg; --hydra-help lists the options, --help the knobs"),
        (["-m", "seed=1,2", "--cfg", "job"], "Only one of --run, --multirun, --cfg, --info and --shell_completion can"),
        (["-sc"], "Expecting one subcommand from ['install', 'uninstall', 'query'] to be set; --hydra-help lists the"),
        (["--info", "tree"], "argument --info/-i: invalid choice: 'tree' (choose from"),
        (["hydra/launcher=null"], "an option must be a name or a list of names, got null; pass a name, or leave it"),
        (["logger=[none,csv]"], "none stands alone, got logger=[none,csv]; pass logger=none or leave none out"),
        (["lr=0.1,0.2"], "lr=0.1,0.2 has several values; pass --multirun for one run each"),
        (["model=unet,resunet"], "model=unet,resunet has several values; pass --multirun for one run each"),
    ],
)
def test_what_does_not_exist_is_one_line(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        typed(monkeypatch, *words)
    line = str(caught.value)
    assert line.startswith("colourize: ") and "\n" not in line and message in line


def test_a_configuration_folder_of_one_s_own_adds_an_experiment(tmp_path):
    (tmp_path / "mine/experiment").mkdir(parents=True)
    (tmp_path / "mine/experiment/wide.yaml").write_text("# @package _global_\nnum_filters: 77\n")
    for word in (["--config-dir", "mine"], ["hydra.searchpath=[file://mine]"]):
        done = run(*word, "experiment=wide", "--cfg", "job", cwd=tmp_path)
        assert "\nnum_filters: 77\n" in done.stdout, done.stderr


def test_parts_to_freeze_need_no_brackets_but_in_a_sweep_each_is_a_job_of_its_own(tmp_path, monkeypatch, no_figures):
    monkeypatch.chdir(tmp_path)
    assert colourize.compose("freeze=down*,first,3")["freeze"] == ["down*", "first", 3]
    small = *QUICK, "model=unet", "max_epochs=1"
    typed(monkeypatch, *small, "freeze=first,2", "hydra.run.dir=outputs/a")
    typed(monkeypatch, "resume=outputs/a")
    assert "freeze=[first,2]" in manifest.read(tmp_path / "outputs/a")["overrides"]
    typed(monkeypatch, *small, "-m", "freeze=first,2", "hydra.sweep.dir=multirun/b")
    found = [manifest.read(tmp_path / f"multirun/b/{job}")["config"]["freeze"] for job in range(2)]
    assert found == ["first", 2]


def test_the_knobs_of_a_run_are_labels_in_its_folder(tmp_path, monkeypatch, no_figures):
    monkeypatch.chdir(tmp_path)
    typed(monkeypatch, *QUICK, "max_epochs=1", "name=first try", "tags=[baseline,paper]", "hydra.run.dir=outputs/a")
    text = (tmp_path / "outputs/a/run.json").read_text()
    assert '"name": "first try"' in text and '"baseline"' in text
    typed(monkeypatch, *QUICK, "max_epochs=1", "name=second", "hydra.run.dir=outputs/a")  # finished: only renamed
    text = (tmp_path / "outputs/a/run.json").read_text()
    assert '"name": "second"' in text and '"tags": null' in text
    assert {"name", "tags"} <= KNOBS.keys()
