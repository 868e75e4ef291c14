import torch

from colourize.course.theory.least_squares import forward_mode, loss_after, random_problem, reverse_mode
from colourize.course.theory.memory import PeakMemory, peak_bytes, saved_bytes


def test_freed_memory_does_not_count():
    def one_after_the_other():
        for _ in range(5):
            torch.zeros(1000, dtype=torch.float64)

    def at_once():
        return [torch.zeros(1000, dtype=torch.float64) for _ in range(5)]

    assert peak_bytes(one_after_the_other) <= 2 * 8000
    assert peak_bytes(at_once) == 5 * 8000


def test_a_view_does_not_own_its_memory():
    with PeakMemory() as memory:
        kept = torch.zeros(100, dtype=torch.float32)
        views = [kept[:50], kept.view(10, 10)]
    assert memory.peak == 400
    assert len(views) == 2


def test_tensors_saved_by_autograd_are_counted_once():
    x = torch.ones(10, dtype=torch.float64, requires_grad=True)
    assert saved_bytes(lambda: (x * x).sum()) == 80  # x, twice
    assert saved_bytes(lambda: x + 1) == 0


def test_reverse_mode_needs_memory_for_every_step_and_forward_mode_does_not():
    """Each step stores another w in reverse mode, d numbers of float64; the rest does not depend on the steps."""
    features = 1000
    problem = random_problem(4, features, 0, from_zero=False)
    reverse = {steps: peak_bytes(lambda steps=steps: reverse_mode(problem, 0.1, steps)) for steps in (8, 16, 32, 64)}
    forward = {steps: peak_bytes(lambda steps=steps: forward_mode(problem, 0.1, steps)) for steps in (8, 16, 32, 64)}
    assert len(set(forward.values())) == 1
    per_step = {(reverse[2 * steps] - reverse[steps]) / steps for steps in (8, 16, 32)}
    assert per_step == {8 * features}
    rate = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    kept = [saved_bytes(lambda steps=steps: loss_after(problem, rate, steps)) for steps in (8, 16, 24)]
    assert kept[2] - kept[1] == kept[1] - kept[0] == 8 * 8 * features
