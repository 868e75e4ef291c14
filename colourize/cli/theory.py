"""``colourize theory demo=...``: Hydra's application for the demos. Heavy imports happen inside the job."""

import json
import logging
import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from colourize.config.compose import register
from colourize.config.folder import conf_dir
from colourize.config.knobs import KNOBS
from colourize.errors import InputError, one_line
from colourize.files import replace_text
from colourize.present import terminal
from colourize.present.tables import as_markdown, as_text

if TYPE_CHECKING:
    from colourize.course.theory import Demo

log = logging.getLogger(__name__)
WRITTEN = "table.md", "table.json", "text.txt", "figure.png"
failed: list[str] = []


@hydra.main(version_base="1.3", config_path=conf_dir(), config_name="theory")
def _job(cfg: DictConfig) -> None:
    """One demo; in a sweep a failed job is recorded and the others run."""
    job = HydraConfig.get()
    terminal.guard()
    terminal.guard_log_files()
    try:
        show(carried_out(cfg), Path(job.runtime.output_dir))
    except (InputError, OSError) as error:
        if job.mode is not RunMode.MULTIRUN:
            sys.exit(f"colourize: {one_line(error)}")  # raised through Hydra, it would be printed twice
        failed.append(f"job {job.job.num} failed: {one_line(error)}")
        log.error("%s", failed[-1])


def carried_out(cfg: DictConfig) -> "Demo":
    """The result of the demo of a configuration.

    Raises:
        InputError: a missing value, one of a wrong type, or one that the demo rejects.
    """
    for key in OmegaConf.missing_keys(cfg):
        raise InputError(f"{key} has no value; pass {key}=...")
    node: Any = OmegaConf.to_container(cfg.demo, resolve=True)
    from colourize.config.instantiate import builder, check_node

    check_node("demo", node)
    if "seed" in node:
        KNOBS["seed"].check_range(node["seed"])
    return builder("demo", node)()


def show(demo: "Demo", folder: Path) -> None:
    """Prints a demo and writes ``table.md``, ``table.json`` with all digits, ``text.txt`` and ``figure.png``.

    Files of an earlier demo in the same folder that this one does not write are removed.
    """
    rows = [list(demo.rows[0]), *([_cell(value) for value in row.values()] for row in demo.rows)]
    print("\n".join(part for part in (demo.title, demo.text or as_text(rows), *demo.sentences) if part))
    notes = "".join(f"\n{sentence}\n" for sentence in demo.sentences)
    replace_text(folder / "table.md", f"# {demo.title}\n\n{as_markdown(rows)}\n{notes}")
    replace_text(folder / "table.json", json.dumps([_plain(row) for row in demo.rows], indent=1) + "\n")
    if demo.text:
        replace_text(folder / "text.txt", demo.text + "\n")
    if (drawn := demo.figure) is not None:
        from colourize.present.figures import save

        save(drawn, folder / "figure.png")
    has = {"text.txt": bool(demo.text), "figure.png": drawn is not None}
    for name in WRITTEN:
        if has.get(name, True):
            print(f"{name:10} {folder / name}")
        else:
            (folder / name).unlink(missing_ok=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}


def knobs() -> set[str]:
    """The known names: those of ``conf/theory.yaml`` and of each demo."""
    demos = (OmegaConf.load(file) for file in Path(conf_dir(), "demo").glob("*.yaml"))
    return {"demo", "seed", *(str(key) for demo in demos for key in demo)}


def main() -> None:
    """Runs Hydra's application; ends with a line on standard error if a job of a sweep failed."""
    _refuse_study(sys.argv[1:])
    register()
    failed.clear()
    _job()
    if failed:
        sys.exit(f"colourize: {len(failed)} jobs failed; {'; '.join(failed)}")


def _refuse_study(words: Sequence[str]) -> None:
    """Raises InputError for ``study=NAME``, the former name of ``demo``."""
    for word in words:
        if found := re.fullmatch(r"([+~]*)study([.=].*)", word):
            raise InputError(f"study is now demo: pass {found[1]}demo{found[2]}")
