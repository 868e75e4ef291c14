"""Answers 1 and 2: the printed formulas equal measured values."""

import re

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from tests.printed_answers import at, formulas, printed, table


def test_1_1_1_prints_a_proof_of_five_lines_and_sgd_is_at_the_solution_of_least_norm():
    assert [line[2:4] for line in printed("1.1.1")[1:6]] == ["1.", "2.", "3.", "4.", "5."]
    near, off = (float(value) for value in re.findall(r"\d\.\de-\d+", " ".join(printed("1.1.1"))))
    assert near < 1e-12 and off < 1e-12


@pytest.mark.parametrize("x", [(2.0, 1.0), (-3.0, 0.5), (1.0, -1.0)])
def test_1_2_the_methods_end_at_the_printed_weights(x):
    t, output = 2.0, formulas(printed("1.2"))
    least, other = ([float(at(output[name], t=t, x_1=x[0], x_2=x[1], x_i=value)) for value in x]
                    for name in ("w_i, minimum norm", "w_i, adaptive"))  # fmt: skip
    np.testing.assert_allclose(least, np.linalg.pinv(np.array([x])) @ [t], rtol=1e-12)
    w, size = np.zeros(2), np.zeros(2)
    for step in range(6000):  # RMSProp, by numpy
        gradient = 2 * (w @ x - t) * np.array(x)
        size = 0.99 * size + 0.01 * gradient**2
        w = w - 0.05 * 1e-6 ** (step / 6000) * gradient / (np.sqrt(size) + 1e-30)
    np.testing.assert_allclose(other, w, rtol=1e-6)


def test_1_2_prints_the_ends_of_the_handouts_case():
    ends = {name: eval(cells[0].replace(" ", ",")) for name, cells in table(printed("1.2")).items()}
    assert ends.pop("minimum norm") == (0.8, 0.4)
    assert set(ends) == {"RMSProp", "Adagrad", "Adam"} and set(ends.values()) == {(0.6667, 0.6667)}


def test_2_1_reverse_mode_grows_by_a_w_each_step_and_forward_mode_does_not():
    few, many = ([int(cell) for cell in cells] for cells in table(printed("2.1")).values())
    assert many[0] - few[0] == (64 - 8) * 1000 * 8  # 1,000 weights of 8 bytes
    assert few[1] == many[1]
    assert "Reverse mode takes 8,000 more for each step; one w has 8,000." in " ".join(" ".join(printed("2.1")).split())


@pytest.mark.parametrize(("n", "d", "seed"), [(1, 1, 0), (4, 2, 1), (3, 9, 2), (20, 5, 3)])
def test_2_2_1_is_the_loss_after_one_step_and_its_minimum(n, d, seed):
    output, rng = formulas(printed("2.2.1")), np.random.default_rng(seed)
    inputs, targets, start = rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=d)

    def after(eta):
        gradient = 2 / n * inputs.T @ (inputs @ start - targets)
        return np.sum((inputs @ (start - eta * gradient) - targets) ** 2) / n

    a = inputs @ start - targets
    back = inputs.T @ a
    values = {"A": a @ a, "B": back @ back, "C": np.sum((inputs @ back) ** 2), "n": n}
    for eta in (0.0, 0.01, 0.3, -0.2):
        assert float(at(output["L_1(eta)"], **values, eta=eta)) == pytest.approx(after(eta), rel=1e-9)
    assert float(at(output["best eta"], **values)) == pytest.approx(minimize_scalar(after).x, rel=1e-5)
    second = after(1.0) - 2 * after(0.0) + after(-1.0)  # exact for a parabola
    assert float(at(output["second derivative"], **values)) == pytest.approx(second, rel=1e-6)


@pytest.mark.parametrize(("eta", "decay"), [(0.02, 0.001), (0.3, 0.2), (0.01, 0.5)])
def test_2_3_2_is_the_penalty_with_the_same_steps(eta, decay):
    penalty = float(at(formulas(printed("2.3.2"))["lambda-tilde"], lam=decay, eta=eta))
    rng = np.random.default_rng(0)
    inputs, targets, w = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
    decayed = penalized = w
    for _ in range(5):
        decayed = (1 - decay) * decayed - eta * inputs.T @ (inputs @ decayed - targets)
        penalized = penalized - eta * (inputs.T @ (inputs @ penalized - targets) + 2 * penalty * penalized)
    np.testing.assert_allclose(decayed, penalized, rtol=1e-9)
    assert "For lambda 0.001 and eta 0.02 it is 0.025." in " ".join(" ".join(printed("2.3.2")).split())
