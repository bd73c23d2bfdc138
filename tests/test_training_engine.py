"""The kernels against PyTorch's autograd and exact sums."""

import math
import os
import subprocess
import sys

import numba
import numpy as np
import pytest
import torch

import epbook as ep
from epbook.training import fused, relu_line
from epbook.training.compiled import SOURCES, compiled_once
from epbook.training.descent import BLOCK, descend
from epbook.training.relu_patterns import pattern

POINTS = range(40, 81)
WIDTHS = (7, 8)
STEPS = {"relu": 20_000, "tanh": 2_000}  # on a line relu jumps from switch to switch; tanh takes plain steps


def autograd_ensemble(cases, sigma, steps, lr):
    """Full-batch descent of many nets at once by autograd, padded to one shape; padding has no gradient.

    cases: (hidden (m, 2), out (1, m), x (n,), y (n,)); returns the trained (hidden, out) of each.
    """
    m = max(case[1].shape[1] for case in cases)
    n = max(case[2].size for case in cases)
    a, w, b = (torch.zeros(len(cases), m, 1, dtype=torch.float64) for _ in range(3))
    x, y, share = (torch.zeros(len(cases), 1, n, dtype=torch.float64) for _ in range(3))
    for i, (hidden, out, points, values) in enumerate(cases):
        width, count = out.shape[1], points.size
        w[i, :width, 0], b[i, :width, 0] = torch.from_numpy(hidden.T)
        a[i, :width, 0] = torch.from_numpy(out[0])
        x[i, 0, :count], y[i, 0, :count] = torch.from_numpy(points), torch.from_numpy(values)
        share[i, 0, :count] = 1 / count
    leaves = [leaf.requires_grad_() for leaf in (a, w, b)]
    for _ in range(steps):
        output = (a * sigma(w * x + b)).sum(dim=1, keepdim=True)
        slopes = torch.autograd.grad((share * (output - y) ** 2).sum(), leaves)
        with torch.no_grad():
            for leaf, slope in zip(leaves, slopes, strict=True):
                leaf -= lr * slope
    a, w, b = (leaf.detach().numpy()[:, :, 0] for leaf in leaves)
    widths = [case[1].shape[1] for case in cases]
    return [(np.stack([w[i, :k], b[i, :k]], axis=1), a[i : i + 1, :k]) for i, k in enumerate(widths)]


def ensemble(teacher, std):
    cases = []
    for n in POINTS[::5]:
        x, y = teacher(n)
        for m in WIDTHS:
            net = ep.two_layer(1, m, std=std, seed=n)
            hidden = torch.cat([net[0].weight, net[0].bias[:, None]], dim=1).detach().numpy()
            cases.append((hidden, net[2].weight.detach().numpy(), x[:, 0].numpy(), y[:, 0].numpy()))
    return cases


@pytest.mark.parametrize(
    ("kind", "sigma", "std"),
    [("relu", torch.relu, 0.3), ("relu", torch.relu, 0.02), ("tanh", torch.tanh, 0.3)],
)
def test_same_parameters_as_autograd(kind, sigma, std):
    cases = ensemble(ep.data.relu_teacher, std)
    steps = STEPS[kind]
    expected = autograd_ensemble(cases, sigma, steps, 0.05)
    for (hidden, out, x, y), (true_hidden, true_out) in zip(cases, expected, strict=True):
        ours = descend((hidden, out), x[:, None], y[:, None], steps=steps, lr=0.05, kind=kind).final
        assert abs(ours[0] - true_hidden).max() <= 1e-12, (x.size, out.size)
        assert abs(ours[1] - true_out).max() <= 1e-12, (x.size, out.size)


@pytest.mark.parametrize("kind", ["relu", "tanh", "sigmoid", "softplus", "silu", "gelu", "identity"])
def test_several_inputs_and_outputs(kind):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(33, 3, generator=generator, dtype=torch.float64)
    y = torch.randn(33, 2, generator=generator, dtype=torch.float64)
    runs = ep.train_many([19], [5], x, y, steps=500, lr=0.1, std=0.5, activation=kind)
    net = runs.start(19, 5)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(500):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(net(x), y).backward()
        optimiser.step()
    for ours, theirs in zip(runs.final(19, 5).parameters(), net.parameters(), strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-13)
    assert runs.losses(19, 5)[1][-1] == pytest.approx(
        torch.nn.functional.mse_loss(net(x), y).item(), rel=1e-12
    )


@pytest.mark.parametrize("n", POINTS)
@pytest.mark.parametrize("kind", ["relu", "tanh"])
def test_loss_is_the_exact_sum(kind, n):
    sigma = {"relu": lambda z: max(z, 0.0), "tanh": math.tanh}[kind]
    x, y = ep.data.relu_teacher(n)
    keep = (0, 1, 2, 5, 17, 60)
    runs = ep.train_many(WIDTHS, [n], x, y, steps=60, lr=0.05, std=0.5, activation=kind, keep_at=keep)
    for m in WIDTHS:
        steps, losses = runs.losses(m, n)
        for step in keep:
            net = runs.at(step, m, n)
            w, b, a = net[0].weight[:, 0].tolist(), net[0].bias.tolist(), net[2].weight[0].tolist()
            squares = []
            for point, value in zip(x[:, 0].tolist(), y[:, 0].tolist(), strict=True):
                terms = [a[j] * sigma(w[j] * point + b[j]) for j in range(m)]
                squares.append((math.fsum(terms) - value) ** 2)
            exact = math.fsum(squares) / n
            assert losses[steps == step][0] == pytest.approx(exact, rel=1e-14, abs=0)


def test_wide_net_with_restless_neurons_keeps_to_the_plain_step():
    """Width 300 from the condensed regime: hundreds of switch points slide along the data points."""
    x, y = ep.data.relu_teacher()
    runs = ep.train_many([300], [1], x, y, steps=12_000, lr=0.05)
    start = runs.start(300, 1)
    hidden = torch.cat([start[0].weight, start[0].bias[:, None]], dim=1).detach().numpy().copy()
    out = start[2].weight.detach().numpy().copy()
    losses = np.empty(12_000)
    fused.advance(hidden, out, x.numpy().T.copy(), y.numpy().T.copy(), 0.05, losses, fused.RELU)
    final = runs.final(300, 1)
    assert abs(final[0].weight.detach().numpy()[:, 0] - hidden[:, 0]).max() < 1e-11
    steps, ours = runs.losses(300, 1)
    assert ours[:-1] == pytest.approx(losses[steps[:-1]], rel=1e-10)


@pytest.mark.parametrize("case", range(24))
def test_repeated_points_and_dead_neurons(case):
    """Points that coincide, neurons with no weights, few points and many: as the plain step has it."""
    rng = np.random.default_rng(case)
    n, m = int(rng.integers(1, 30)), int(rng.integers(1, 80))
    x = rng.integers(-4, 5, size=n) / 4 if case % 2 else rng.normal(size=n)
    x, y = np.sort(x), rng.normal(size=n)
    hidden, out = rng.normal(size=(m, 2)) * rng.choice([0.01, 0.3]), rng.normal(size=(1, m)) * 0.1
    hidden[: m // 4], hidden[m // 4 : m // 3, 0] = 0.0, 0.0
    plain = hidden.copy(), out.copy()
    steps = fused.advance(*plain, x[None].copy(), y[None].copy(), 0.01, np.empty(3000), fused.RELU)
    assert steps == relu_line.advance(hidden, out, x, y, 0.01, np.empty(3000)) == 3000
    assert max(abs(hidden - plain[0]).max(), abs(out - plain[1]).max()) < 1e-12


@pytest.mark.parametrize("asked", ["", "elsewhere"])
def test_kernels_of_edited_sources_are_compiled_anew(tmp_path, monkeypatch, asked):
    monkeypatch.setattr(numba.config, "CACHE_DIR", asked and str(tmp_path / asked))
    places = []
    for text in ("one", "two", "one"):
        (tmp_path / "kernel.py").write_text(text)
        with compiled_once(tmp_path / "kernel.py"):
            places.append(numba.config.CACHE_DIR)
    assert places[0] == places[2] != places[1]
    assert all(asked in place for place in places)
    assert (asked and str(tmp_path / asked)) == numba.config.CACHE_DIR


def test_every_file_with_kernels_is_among_the_sources():
    room = SOURCES[0].parent
    assert set(SOURCES) == {path for path in room.glob("*.py") if "njit" in path.read_text(encoding="utf-8")}


BITS = """
def bits(kind):
    import epbook as ep
    runs = ep.train_many([6], 2, *ep.data.relu_teacher(), steps=300, lr=0.05, activation=kind)
    weights = [p.detach().numpy() for seed in runs.seeds for p in runs.final(6, seed).parameters()]
    return [array.tobytes().hex() for array in (*weights, *(runs.losses(6, seed)[1] for seed in runs.seeds))]
"""


# On a line the order of every sum is ours, so not even the processor matters.
@pytest.mark.parametrize(
    ("kind", "processor"),
    [("relu", {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}), ("tanh", {})],
    ids=["relu, without wide vectors", "tanh"],
)
def test_same_bits_after_a_new_compilation(tmp_path, kind, processor):
    exec(BITS, here := {})
    child = [sys.executable, "-c", f"{BITS}\nprint(bits({kind!r}))"]
    variables = {**os.environ, **processor, "NUMBA_CACHE_DIR": str(tmp_path)}
    answer = subprocess.run(child, env=variables, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == str(here["bits"](kind))


@pytest.mark.parametrize("n", [1, 2, 3])
def test_patterns_on_few_points(n):
    """Prefix, suffix, all or none: every sign vector of w·x + b has its own code."""
    x = np.linspace(-1, 1, n) if n > 1 else np.array([0.5])
    rng = np.random.default_rng(n)
    seen = {}
    for w, b in rng.normal(size=(200, 2)):
        code = pattern(w, b, x)
        active = tuple(w * x + b > 0)
        assert seen.setdefault(code, active) == active
    assert len(seen) == len(set(seen.values())) == 2 * n


def test_one_point_is_learned():
    x, y = torch.tensor([[0.5]], dtype=torch.float64), torch.tensor([[2.0]], dtype=torch.float64)
    runs = ep.train_many([5], [0], x, y, steps=2000, lr=0.1, std=0.5)
    assert runs.losses(5, 0)[1][-1] < 1e-20


def test_what_is_kept_does_not_change_the_numbers():
    x, y = (data.numpy() for data in ep.data.relu_teacher())
    net = ep.two_layer(1, 40, seed=2)
    start = (np.hstack([net[0].weight.detach().numpy(), net[0].bias.detach().numpy()[:, None]]),)
    start += (net[2].weight.detach().numpy(),)
    options = {"lr": 0.05, "kind": "relu"}
    plain = descend(start, x, y, steps=3 * BLOCK, **options)
    watched = descend(start, x, y, steps=3 * BLOCK, keep_at=(0, 7, BLOCK, 9999), band=(0.02, 0.03), **options)
    shorter = descend(start, x, y, steps=9999, **options)
    assert np.array_equal(plain.final[0], watched.final[0])
    assert np.array_equal(plain.counts, watched.counts)
    assert np.array_equal(watched.kept[9999][0], shorter.final[0])
    assert np.array_equal(watched.kept[0][0], start[0])
    step, _ = watched.entered
    assert 0.02 <= plain.losses[plain.steps >= step][0] <= 0.03 < plain.losses[plain.steps < step].min()
