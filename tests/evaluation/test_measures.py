import torch

from colourize.evaluation.measures import CEILING, FLOOR, Row, standing


def fake(name: str, losses: torch.Tensor, kind: str = FLOOR) -> Row:
    return Row(name, kind, {"cross_entropy": losses})


def test_standing_says_which_side_of_the_table_a_model_is():
    noise = torch.randn(200, generator=torch.Generator().manual_seed(0)) / 10
    table, prior, ceiling = fake("t", 1 + noise), fake("p", 3 + noise), fake("c", 0.3 + noise, CEILING)
    jitter = noise.roll(1) / 5
    said = {
        "and even than the class prior": standing(fake("m", 4 + noise + jitter), table, prior),
        "is worse than the look-up table: ": standing(fake("m", 1.2 + noise + jitter), table, prior),
        "level with the look-up table": standing(fake("m", 1 + noise + jitter), table, prior),
        "is better than the look-up table: ": standing(fake("m", 0.8 + noise + jitter), table, prior),
        "worse than the 0.298": standing(fake("m", 0.8 + noise + jitter), table, prior, ceiling),
        "level with the 0.298": standing(fake("m", 0.3 + noise + jitter), table, prior, ceiling),
        "better than the 0.298": standing(fake("m", 0.2 + noise + jitter), table, prior, ceiling),
        "has diverged: its cross-entropy is nan": standing(fake("m", noise * torch.nan), table, prior),
        "one picture gives no interval": standing(*(fake(name, torch.ones(1) * n) for n, name in enumerate("mtp", 1))),
        "is the look-up table itself": standing(fake("m", 1 + noise), table, prior),
    }
    for part, sentence in said.items():
        assert part in sentence, sentence
