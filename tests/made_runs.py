"""Run folders in the form written by training, but without training."""

import copy
import csv
import json

CONFIG = {
    "model": {"_target_": "colourize.models.unet.UNet", "num_filters": 32, "num_colours": 24, "kernel": 3},
    "data": {"_target_": "colourize.data.cifar10.load", "root": "data", "classes": "horse", "holdout": 0.0,
             "cache_dir": "data/cache", "mapped": False},
    "optimizer": {"_target_": "torch.optim.Adam", "lr": 0.001, "betas": [0.9, 0.999], "weight_decay": 0.0},
    "scheduler": {}, "kernel": 3, "num_filters": 32, "num_colours": 24, "palette": "kmeans", "classes": "horse",
    "image_size": 32, "holdout": 0.0, "cache_dir": "data/cache", "batch_size": 100, "max_epochs": 2, "lr": 0.001,
    "seed": 0, "accelerator": "auto", "compile": False, "precision": "32-true", "patience": None, "resume": None,
    "ckpt_path": None, "save_every": 200, "trainer": {},
}  # fmt: skip
FLOORS = {"class prior": 3.0, "look-up table": 0.9}


def config(**knobs):
    """The resolved configuration; ``model=unet.UNet`` replaces a node."""
    target = {"_target_": f"colourize.models.{knobs.pop('model', 'unet.UNet')}"}
    target |= {"skips": knobs.pop("skips")} if "skips" in knobs else {}
    made = copy.deepcopy(CONFIG) | knobs
    inner = {name: knobs[name] for name in ("kernel", "num_filters", "num_colours") if name in knobs}
    return {**made, "model": CONFIG["model"] | target | inner, "optimizer": CONFIG["optimizer"] | {"lr": made["lr"]}}


def run(
    folder,
    losses=(2.0, 1.0),
    status="finished",
    metrics=True,
    evaluation=True,
    fingerprint="f" * 20,
    unsaid=(),
    **knobs,
):
    """Writes a run with an epoch for each loss; accuracy is 1 / (1 + loss), the training loss 0.25 higher."""
    folder.mkdir(parents=True)
    words = [f"{name}={value}" for name, value in knobs.items() if name not in unsaid]
    stored = {"status": status, "overrides": words, "config": config(**knobs), "fingerprint": fingerprint,
            "environment": {"torch": "2.15.0", "machine": "x86_64"}, "start": "2026-01-01"}  # fmt: skip
    rows = [
        {"epoch": epoch, "step": 50 * (epoch + 1), "train/loss": loss + 0.25, "train/accuracy": 1 / (1.25 + loss),
         "val/loss": loss, "val/accuracy": 1 / (1 + loss), "val/skill": (0.9 - loss) / 0.9,
         "images_per_second": 1000 * loss, "seconds": 10.0 * (epoch + 1)}
        for epoch, loss in enumerate(losses)
    ]  # fmt: skip
    if status == "finished":
        best = min(rows, key=lambda row: row["val/loss"])
        stored["metrics"] = {**rows[-1], "best/epoch": best["epoch"], "best/val/loss": best["val/loss"]}
    elif status == "failed":
        stored["error"] = "no room on the disk"
    (folder / "run.json").write_text(json.dumps(stored))
    if metrics:
        with (folder / "metrics.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    if evaluation and status == "finished":
        network = stored["config"]["model"]["_target_"].rpartition(".")[2]
        measured = {name: {"cross_entropy": [loss, 0, 0], "top1": [0.5, 0, 0]} for name, loss in FLOORS.items()}
        measured[network] = {"cross_entropy": [losses[-1], 0, 0], "psnr": [20 + losses[-1], 0, 0]}
        measured["true class"] = {"cross_entropy": [0.0, 0, 0], "psnr": [27.0, 0, 0]}
        (folder / "evaluation.json").write_text(json.dumps(measured))
    return folder


def sweep(folder):
    """Two good runs, and a folder for a third."""
    run(folder / "0", seed=0)
    run(folder / "1", losses=(2.5, 1.5), seed=1)
    (folder / "2").mkdir()
    return folder
