"""Averages the weights of two checkpoints, the second of which continued the training of the first.

python benchmarks/average.py FIRST SECOND OUT [--share 0.75]

Writes (1 - share) * FIRST + share * SECOND, with everything else of SECOND, to OUT. Such an average often does better
than both, above all on pictures unlike the training pictures (Wortsman and others 2022, arXiv 2109.01903).
"""

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent))

from colourize.errors import InputError, one_line
from colourize.runs import checkpoint


def main() -> None:
    """Averages and writes; a checkpoint that cannot be used is one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path, metavar="FIRST")
    parser.add_argument("second", type=Path, metavar="SECOND")
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--share", type=float, default=0.75, metavar="S", help="of the second, in [0, 1]")
    given = parser.parse_args()
    if not 0 <= given.share <= 1:
        sys.exit(f"average: --share must be in [0, 1], got {given.share:g}; pass for example --share 0.75")
    try:
        first, second = checkpoint.read(given.first), checkpoint.read(given.second)
        state = averaged(first["state_dict"], second["state_dict"], given.share)
        checkpoint.write({**second, "state_dict": state}, given.out)
    except (InputError, OSError, ValueError) as error:
        sys.exit(f"average: {one_line(error)}")


def averaged(first: dict[str, Tensor], second: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 - share) * first + share * second for the tensors of floats; the others are those of the second.

    Raises:
        ValueError: the two have other tensors, or other palettes.
    """
    if {name: each.shape for name, each in first.items()} != {name: each.shape for name, each in second.items()}:
        raise ValueError("the two checkpoints must contain the same tensors; pass a run and its continuation")
    if not torch.equal(first["model.palette"], second["model.palette"]):
        raise ValueError("the two checkpoints must have one palette; pass a run and its continuation")
    return {
        name: torch.lerp(first[name], each, share) if each.is_floating_point() else each
        for name, each in second.items()
    }


if __name__ == "__main__":
    main()
