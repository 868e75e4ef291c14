"""``colourize answers``: what is printed, its formulas read by sympy and held against what is counted and measured."""

import importlib
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sympy
import torch
import yaml
from scipy.optimize import minimize_scalar
from torch import nn

from colourize.cli.main import main
from colourize.config.folder import conf_dir
from colourize.course.answers import chosen as command
from colourize.course.answers import counted, trained
from colourize.course.arithmetic.general import general
from colourize.course.arithmetic.nets import sequential
from colourize.errors import InputError
from colourize.models.convtranspose import ConvTransposeNet
from colourize.models.poolupsample import PoolUpsampleNet
from colourize.models.unet import UNet
from colourize.training.batches import Batches

ROOT = Path(__file__).parent.parent.parent
NUMBERS = sorted(command.QUESTIONS, key=command._order)
PLACES = [(1, 32, 24, 3, 32, 32), (3, 5, 7, 5, 8, 16), (2, 4, 6, 2, 4, 12), (1, 8, 3, 1, 16, 8)]  # NIC NF NC k H W


@pytest.fixture(scope="module")
def printed():
    """What the command prints for each question, as lines."""
    modules = {
        number: importlib.import_module(f"colourize.course.answers.{module}")
        for number, module in command.QUESTIONS.items()
    }
    return {number: command.rendered(number, modules[number].ANSWERS[number]()).splitlines() for number in NUMBERS}


def formulas(lines):
    """The formulas of an answer, as sympy reads what was printed."""
    found = (re.fullmatch(r" {6}(\S.*?) = (.*)", line) for line in lines if "  " not in line.strip())  # no table's row
    return {match[1]: read(match[2].replace("lambda", "lam")) for match in found if match}


def read(formula):
    names = set(re.findall(r"[A-Za-z]\w*", formula)) - {"Max", "Abs", "ceiling", "sign"}
    return sympy.parse_expr(formula, {name: sympy.Symbol(name) for name in names})  # N, E, S mean others to sympy


def table(lines):
    """Rows of the table below the rule, by their first cell, numbers as such."""
    (rule,) = (place for place, line in enumerate(lines) if re.fullmatch(r" {6}-+", line))
    rows = [re.split(r" {2,}", line.strip()) for line in lines[rule + 1 :] if line.startswith(" " * 6)]
    return {first: [cell.replace(",", "") for cell in rest] for first, *rest in rows}


def at(formula, **values):
    return formula.subs({symbol: values[symbol.name] for symbol in formula.free_symbols})


# The command


def test_every_module_answers_its_questions():
    for module, numbers in command.MODULES.items():
        assert tuple(importlib.import_module(f"colourize.course.answers.{module}").ANSWERS) == numbers


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (["4.3"], ["4.3"]), (["2"], ["2.1", "2.2.1", "2.3.2"]), (["2.2"], ["2.2.1"]), ([], NUMBERS),
        (["4", "1.1."], ["1.1.1", "4.2", "4.3"]),
    ],
)  # fmt: skip
def test_a_part_names_all_its_questions_and_the_order_is_the_assignments(asked, chosen):
    assert command.chosen(asked) == chosen


@pytest.mark.parametrize("question", ["7", "1.1.1.1", "", ".", "3.10", "x"])
def test_a_question_that_is_not_there_is_refused_in_one_line(question, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["colourize", "answers", question])
    with pytest.raises(SystemExit) as caught:
        main()
    told = f"question must be one of {', '.join(NUMBERS)}, or a part such as 2; got {question!r}"
    assert str(caught.value) == f"colourize: {told}"
    assert capsys.readouterr().out == ""


def test_the_command_prints_one_answer_or_several(monkeypatch, capsys, printed):
    monkeypatch.setattr(sys, "argv", ["colourize", "answers", "5.4", "3.1"])
    main()
    assert capsys.readouterr().out.splitlines() == [*printed["3.1"], "", *printed["5.4"], ""]


@pytest.mark.parametrize("question", ["3.1", "5.4", "5.5"])
def test_what_needs_no_torch_imports_none(question):
    script = (
        "import sys; sys.argv[1:] = ['answers', sys.argv[1]]\n"
        "from colourize.cli.main import main; main()\n"
        "heavy = 'torch', 'pytorch_lightning', 'matplotlib', 'sklearn'\n"
        "print('HEAVY', [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, question], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.endswith("HEAVY []\n"), done.stdout + done.stderr


@pytest.mark.parametrize("number", NUMBERS)
def test_an_answer_is_short_and_names_what_is_there(number, printed):
    lines = printed[number]
    assert len(lines) <= 22
    assert all(len(line) <= 100 for line in lines)
    more = [line.removeprefix("  more: ") for line in lines if line.startswith("  more: ")]
    assert more
    for named in more:
        assert re.match(r"colourize (theory demo=|describe )|python train.py experiment=|docs/studies/", named)
        if chosen := re.search(r"(demo|experiment)=(\w+)", named):
            assert Path(conf_dir(), chosen[1], f"{chosen[2]}.yaml").is_file()
        for file in re.findall(r"docs/\S+\.(?:md|yaml)", named):
            assert (ROOT / file).is_file()


# 1 and 2: optimization


def test_1_1_1_prints_a_proof_of_five_lines_and_sgd_is_at_the_solution_of_least_norm(printed):
    assert [line[2:4] for line in printed["1.1.1"][1:6]] == ["1.", "2.", "3.", "4.", "5."]
    near, off = (float(value) for value in re.findall(r"\d\.\de-\d+", " ".join(printed["1.1.1"])))
    assert near < 1e-12 and off < 1e-12


@pytest.mark.parametrize("x", [(2.0, 1.0), (-3.0, 0.5), (1.0, -1.0)])
def test_1_2_where_the_methods_end(x, printed):
    t, said = 2.0, formulas(printed["1.2"])
    least, other = ([float(at(said[name], t=t, x_1=x[0], x_2=x[1], x_i=value)) for value in x]
                    for name in ("w_i, minimum norm", "w_i, adaptive"))  # fmt: skip
    np.testing.assert_allclose(least, np.linalg.pinv(np.array([x])) @ [t], rtol=1e-12)
    w, size = np.zeros(2), np.zeros(2)
    for step in range(6000):  # RMSProp, by numpy
        gradient = 2 * (w @ x - t) * np.array(x)
        size = 0.99 * size + 0.01 * gradient**2
        w = w - 0.05 * 1e-6 ** (step / 6000) * gradient / (np.sqrt(size) + 1e-30)
    np.testing.assert_allclose(other, w, rtol=1e-6)


def test_1_2_prints_the_ends_of_the_handouts_case(printed):
    ends = {name: eval(cells[0].replace(" ", ",")) for name, cells in table(printed["1.2"]).items()}
    assert ends.pop("minimum norm") == (0.8, 0.4)
    assert set(ends) == {"RMSProp", "Adagrad", "Adam"} and set(ends.values()) == {(0.6667, 0.6667)}


def test_2_1_reverse_mode_grows_by_a_w_each_step_and_forward_mode_does_not(printed):
    few, many = ([int(cell) for cell in cells] for cells in table(printed["2.1"]).values())
    assert many[0] - few[0] == (64 - 8) * 1000 * 8  # 1,000 weights of 8 bytes
    assert few[1] == many[1]
    assert "Reverse mode takes 8,000 more for each step; one w has 8,000." in " ".join(" ".join(printed["2.1"]).split())


@pytest.mark.parametrize(("n", "d", "seed"), [(1, 1, 0), (4, 2, 1), (3, 9, 2), (20, 5, 3)])
def test_2_2_1_is_the_loss_after_one_step_and_its_least(n, d, seed, printed):
    said, rng = formulas(printed["2.2.1"]), np.random.default_rng(seed)
    inputs, targets, start = rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=d)

    def after(eta):
        gradient = 2 / n * inputs.T @ (inputs @ start - targets)
        return np.sum((inputs @ (start - eta * gradient) - targets) ** 2) / n

    a = inputs @ start - targets
    back = inputs.T @ a
    values = {"A": a @ a, "B": back @ back, "C": np.sum((inputs @ back) ** 2), "n": n}
    for eta in (0.0, 0.01, 0.3, -0.2):
        assert float(at(said["L_1(eta)"], **values, eta=eta)) == pytest.approx(after(eta), rel=1e-9)
    assert float(at(said["best eta"], **values)) == pytest.approx(minimize_scalar(after).x, rel=1e-5)
    second = after(1.0) - 2 * after(0.0) + after(-1.0)  # exact for a parabola
    assert float(at(said["second derivative"], **values)) == pytest.approx(second, rel=1e-6)


@pytest.mark.parametrize(("eta", "decay"), [(0.02, 0.001), (0.3, 0.2), (0.01, 0.5)])
def test_2_3_2_is_the_penalty_that_takes_the_same_steps(eta, decay, printed):
    penalty = float(at(formulas(printed["2.3.2"])["lambda-tilde"], lam=decay, eta=eta))
    rng = np.random.default_rng(0)
    inputs, targets, w = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
    decayed = penalized = w
    for _ in range(5):
        decayed = (1 - decay) * decayed - eta * inputs.T @ (inputs @ decayed - targets)
        penalized = penalized - eta * (inputs.T @ (inputs @ penalized - targets) + 2 * penalty * penalized)
    np.testing.assert_allclose(decayed, penalized, rtol=1e-9)
    assert "For lambda 0.001 and eta 0.02 it is 0.025." in " ".join(" ".join(printed["2.3.2"]).split())


# 3 and 4: counted in a real network, by hooks


def layers(network, shape):
    """(module, input shape, output shape) of each layer that computes, for one picture."""
    found, hooks = [], []
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.MaxPool2d | nn.Upsample):
            hooks.append(module.register_forward_hook(
                lambda module, given, made: found.append((module, given[0].shape[1:], made.shape[1:]))))  # fmt: skip
    with torch.no_grad():
        network.eval()(torch.zeros(1, *shape))
    for hook in hooks:
        hook.remove()
    return found


def counts(network, shape):
    """The same names as ``general``, counted window by window."""
    sums = dict.fromkeys(
        ("weights", "outputs", "outputs of convolutions", "connections", "connections of convolutions"), 0
    )
    for module, given, made in layers(network, shape):
        convolves = isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
        if convolves:
            sites = given[1:].numel() if isinstance(module, nn.ConvTranspose2d) else made[1:].numel()
            pairs = module.weight.numel() * sites
            sums["weights"] += module.weight.numel()
            sums["outputs of convolutions"] += made.numel()
            sums["connections of convolutions"] += pairs
        else:
            pairs = given.numel() if isinstance(module, nn.MaxPool2d) else made.numel()
        sums["outputs"] += made.numel()
        sums["connections"] += pairs
    return sums


@pytest.mark.parametrize(("nic", "nf", "nc", "k", "height", "width"), PLACES)
def test_4_3_the_printed_formulas_are_what_is_counted_in_the_network(nic, nf, nc, k, height, width, printed):
    said = formulas(printed["4.3"])
    counted_ones = counts(PoolUpsampleNet(nf, nc, k, nic), (nic, height, width))
    values = {"NIC": nic, "NF": nf, "NC": nc, "k": k, "H": height, "W": width}
    assert {name: at(formula, **values) for name, formula in said.items()} == counted_ones


def test_4_3_prints_the_numbers_of_the_course_for_both_sizes(printed):
    both = [counts(PoolUpsampleNet(32, 24), (1, side, side)) for side in (32, 64)]
    assert table(printed["4.3"]) == {name: [str(each[name]) for each in both] for name in both[0]}


@pytest.mark.parametrize("network", [ConvTransposeNet, UNet])
def test_the_general_formulas_hold_for_the_other_networks_too(network):
    found = general(lambda nic, nf, nc, k: network(nf, nc, k, nic))
    for nic, nf, nc, k, height, width in PLACES[1:3]:
        values = {"NIC": nic, "NF": nf, "NC": nc, "k": k, "H": height, "W": width}
        expected = counts(network(nf, nc, k, nic), (nic, height, width))
        assert {name: at(formula, **values) for name, formula in found.items()} == expected


@pytest.mark.parametrize(
    "build",
    [
        lambda nic, nf, nc, k: nn.Conv2d(nic, nc, 2 * k - 1, padding=k - 1),  # (2 k - 1)**2
        lambda nic, nf, nc, k: nn.Conv2d(nic, nc, k),  # its output has not H x W pixels
    ],
)
def test_a_network_without_such_formulas_is_refused(build):
    with pytest.raises(InputError, match=r"do not follow k\*\*2 and H\*W"):
        general(build)


@pytest.mark.parametrize("channels", counted.CHANNELS)
def test_3_2_neurons_and_weights_are_those_of_a_real_network(channels, printed):
    network = []
    for before, after in zip((3, *channels), channels, strict=False):
        network += [nn.MaxPool2d(2)] if len(network) else []
        network.append(nn.Conv2d(before, after, 3, padding=1, bias=False))
    said, found = formulas(printed["3.2"]), layers(nn.Sequential(*network), (3, 32, 32))
    convolutions = [(module, *shapes) for module, *shapes in found if isinstance(module, nn.Conv2d)]
    shared = dense = 0
    for module, given, made in convolutions:
        values = {"C": given[0], "D": made[0], "k": 3, "H": given[1], "W": given[2]}
        assert at(said["weights"], **values) == module.weight.numel()
        with torch.device("meta"):
            full = nn.Linear(given.numel(), made.numel(), bias=False).weight.numel()
        assert at(said["weights, fully connected"], **values) == full
        shared, dense = shared + module.weight.numel(), dense + full
    neurons = sum(made.numel() for _, _, made in found)
    unpooled = sum(made.numel() for _, _, made in convolutions)
    name = ", ".join(map(str, channels))
    assert table(printed["3.2"])[name] == [str(number) for number in (shared, dense, neurons, unpooled)]


def test_3_2_counts_the_networks_of_the_committed_files():
    for channels, file in zip(counted.CHANNELS, ("handout", "handout-32-64-3"), strict=True):
        committed = yaml.safe_load((ROOT / f"docs/nets/{file}.yaml").read_text())
        assert str(sequential(counted.listed(channels))) == str(sequential(committed))


def seen_by(kernel, dilation, pool, depth=3):
    """Side of the field of a middle unit: the support of its gradient, poolings as means and weights positive."""
    parts = []
    for number in range(depth):
        parts += [nn.AvgPool2d(pool)] if number and pool > 1 else []
        parts.append(nn.Conv2d(1, 1, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=False))
    network = nn.Sequential(*parts).double()
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    side = pool ** (depth - 1) * 32
    x = torch.zeros(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    made = network(x)
    made[0, 0, made.shape[2] // 2, made.shape[3] // 2].backward()
    rows = x.grad[0, 0].abs().sum(1).nonzero()
    return int(rows.max() - rows.min()) + 1


@pytest.mark.parametrize(("k", "d", "p"), list(product((1, 3, 5), (1, 2), (1, 2, 3))))
def test_3_3_the_printed_formula_is_the_support_of_a_gradient(k, d, p, printed):
    assert at(formulas(printed["3.3"])["field"], k=k, d=d, p=p) == seen_by(k, d, p)


def test_3_3_the_printed_numbers_are_the_support_of_gradients(printed):
    expected = [seen_by(*each) for each in ((3, 1, 2), (5, 1, 2), (3, 2, 2), (3, 1, 4), (3, 1, 1), (3, 1, 2, 4))]
    assert list(table(printed["3.3"]).values()) == [[f"{side} x {side}"] for side in expected]


# 5: paddings and batches


@pytest.mark.parametrize(("k", "s", "d"), list(product(range(1, 8), range(1, 5), range(1, 4))))
def test_5_4_the_printed_paddings_keep_every_shape_in_torch(k, s, d, printed):
    said = formulas(printed["5.4"])
    p = int(at(said["padding"], k=k, s=s, d=d))
    q = int(at(said["output_padding"], k=k, s=s, d=d, padding=p))
    size, odd = 12 * s, d * (k - 1) % 2
    x, small, weight = torch.zeros(1, 1, size), torch.zeros(1, 1, size // s), torch.zeros(1, 1, k)
    made = nn.functional.conv1d(x, weight, None, s, p, d).shape[-1]
    assert (made == size // s) is not (s == 1 and odd == 1)
    if s == d == 1 and odd:
        assert q == 1  # which torch refuses: an output padding is smaller than the stride or the dilation
    else:
        assert nn.functional.conv_transpose1d(small, weight, None, s, p, q, 1, d).shape[-1] == size


def test_5_4_prints_the_paddings_of_kernels_3_4_and_5(printed):
    assert table(printed["5.4"]) == {str(k): [str((k - 1) // 2), str(k % 2)] for k in (3, 4, 5)}


# Questions that training answers


@pytest.mark.parametrize(("pictures", "batch"), [(5, 2), (6, 3), (7, 10)])
def test_5_5_counts_the_updates_of_training(pictures, batch, printed):
    updates = formulas(printed["5.5"])["updates"]
    assert at(updates, E=2, N=pictures, B=batch) == 2 * len(list(Batches(pictures, batch, 0)))
    assert "3,925 for B = 32 and 250 for B = 512" in " ".join(" ".join(printed["5.5"]).split())


@pytest.mark.parametrize("number", command.MODULES["trained"])
def test_what_was_measured_stands_on_the_committed_page(number, printed):
    text = " ".join(" ".join(printed[number]).split())
    values = re.findall(r"\d\.\d{3} ± 0\.\d{3}", text.partition("Measured ")[2])
    page = (ROOT / re.search(r"docs/studies/\w+\.md", text)[0]).read_text()
    assert values
    assert all(value in page for value in values)


@pytest.mark.parametrize(
    ("number", "networks"),
    [("4.2", 1), ("5.2", 2), ("5.3", 2), ("6.2", 2)],
)
def test_only_the_networks_of_the_question_are_named(number, networks, printed):
    said = " ".join(printed[number]).partition("Measured ")[2]
    assert len(re.findall(r"\w+Net\b", said)) == networks


@pytest.mark.parametrize("number", sorted(trained.ANSWERS))
def test_a_study_s_file_without_what_is_expected_is_a_fault_of_ours_and_keeps_its_traceback(monkeypatch, number):
    monkeypatch.setattr(trained, "header", lambda study: {"Question": "?"})
    monkeypatch.setattr(sys, "argv", ["colourize", "answers", number])
    with pytest.raises(RuntimeError, match=r"^conf/experiment/\w+\.yaml must have a line '# Expected"):
        main()
