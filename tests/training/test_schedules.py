import math

import torch

from colourize.training.schedules import cosine, onecycle


def rates(schedule_of, num_steps: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    schedule, seen = schedule_of(optimizer), []
    for _ in range(num_steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step() if len(seen) < num_steps else None
    return seen


def test_cosine_is_half_a_cosine_over_the_steps():
    seen = rates(lambda optimizer: cosine(optimizer, num_steps=10), 10)
    expected = [0.05 * (1 + math.cos(math.pi * step / 10)) for step in range(10)]
    assert all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(seen, expected, strict=True))


def test_one_cycle_peaks_at_its_rate_after_the_warm_up_and_ends_near_zero():
    seen = rates(lambda optimizer: onecycle(optimizer, num_steps=100, max_lr=0.5, warm_up=0.3), 100)
    assert seen.index(max(seen)) == 29  # the last of the first 30 %
    assert max(seen) == 0.5
    assert seen[-1] < 1e-4
