"""The laboratory computes in the browser what the package does: bits, starts, lines, neurons."""

import numpy as np
import pytest
import torch
from lab_cases import SEEDS, engine, net_of, start_of, train

import epbook as ep
from epbook.critical import relu_minima
from epbook.training.descent import descend

pytestmark = pytest.mark.site
X, Y = ep.data.relu_teacher()
WIDTHS = [1, 2, 3, 10, 30, 100]


@pytest.fixture(scope="module")
def page(browser):
    blank = browser.new_page()
    yield engine(blank)
    blank.close()


def ours(net, *, kind="relu", x=X, y=Y, lr=0.05, steps=370_000, keep_at=()):
    """The same run in Python, from the same start."""
    start = start_of(net)
    begin = np.array(start["hidden"]).reshape(-1, 2), np.array(start["out"])[None]
    return descend(begin, x.numpy(), y.numpy(), steps=steps, lr=lr, kind=kind, keep_at=keep_at)


@pytest.mark.parametrize("width", [1, 2, 7, 50, 200, 1000])
def test_from_the_same_start_all_losses_and_states_have_the_same_bits(page, width):
    net = ep.two_layer(1, width, seed=3)
    run = train(page, X, Y, m=width, **{"from": start_of(net)}, pictures=12)
    steps = [shot["step"] for shot in run["shots"]]
    record = ours(net, keep_at=steps)
    assert run["steps"] == record.steps.tolist()
    assert run["losses"] == record.losses.tolist()
    assert run["counts"] == record.counts.tolist()
    assert steps[0] == 0
    assert steps[-1] == 370_000
    for shot in run["shots"]:
        hidden, out = record.kept[shot["step"]]
        assert shot["hidden"] == hidden.ravel().tolist()
        assert shot["out"] == out.ravel().tolist()


@pytest.mark.parametrize("width", [1, 5, 6, 8, 50, 333])
def test_a_seed_has_the_start_that_it_has_in_python(page, width):
    for seed in (0, 12, 2**32 - 1):
        got = page.evaluate(
            "([m, seed]) => { const s = engine.start(m, m ** -2, seed); return [...s.hidden, ...s.out]; }",
            [width, seed],
        )
        start = start_of(ep.two_layer(1, width, seed=seed))
        # sin, cos and log of two libraries, each good to the last place or two
        np.testing.assert_allclose(got, start["hidden"] + start["out"], rtol=2e-15)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_runs_of_a_seed_spend_their_steps_at_the_same_losses(page, width):
    runs = ep.train_many([width], SEEDS, X, Y, steps=370_000, lr=0.05)
    for seed in range(SEEDS):
        run = train(page, X, Y, m=width, std=width**-2, seed=seed)
        moved = abs(np.array(run["counts"]) - runs.record(width, seed).counts).sum() / 2
        # Starts that differ in the last place: some steps may fall to the other side of a bin's edge.
        assert moved <= 1e-3 * 370_000


@pytest.mark.parametrize("lr", [1e80, 1e200])
def test_a_run_diverges_at_the_same_step(page, lr):
    net = ep.two_layer(1, 20, std=0.5, seed=1)
    run = train(page, X, Y, m=20, lr=lr, **{"from": start_of(net)}, pictures=5)
    record = ours(net, lr=lr)
    assert run["diverged"] == record.diverged is not None
    assert run["losses"] == record.losses.tolist()
    assert all(shot["step"] < record.diverged for shot in run["shots"])


def targets(seed, n=9):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 1, generator=generator, dtype=torch.float64).cumsum(0)


@pytest.mark.parametrize(
    ("x", "y", "pieces"),
    [(X, Y, 3), *((torch.linspace(0, 3, 9).double()[:, None] ** 1.5, targets(s), 3) for s in (1, 2))],
    ids=["book", "walk 1", "walk 2"],
)
def test_the_lines_are_the_minima_that_python_finds(page, x, y, pieces):
    got = page.evaluate(
        "([pieces, x, y]) => engine.reluMinima(own, pieces, x, y)",
        [pieces, x.ravel().tolist(), y.ravel().tolist()],
    )
    found = [(each.loss, each.width) for each in relu_minima(x, y, pieces=pieces)]
    assert sorted(each["width"] for each in got) == sorted(width for _, width in found)
    for width in range(pieces + 1):
        mine = sorted(each["loss"] for each in got if each["width"] == width)
        np.testing.assert_allclose(mine, sorted(loss for loss, w in found if w == width), rtol=1e-9)


@pytest.mark.parametrize("width", [2, 10, 50, 300])
def test_effective_neurons_are_those_of_the_package(page, width):
    run = train(page, X, Y, m=width, std=width**-2, seed=5, pictures=6)
    for shot in run["shots"]:
        got = page.evaluate("shot => views.effective(shot)", shot)
        neurons = ep.effective_neurons(net_of(shot))
        want = sorted(zip(neurons.incoming.tolist(), neurons.outgoing[:, 0].tolist(), strict=True))
        mine = sorted(([np.cos(g["angle"]), np.sin(g["angle"])], g["amplitude"]) for g in got)
        assert len(mine) == len(want)
        for (direction, amplitude), (other, strength) in zip(mine, want, strict=True):
            np.testing.assert_allclose([*direction, amplitude], [*other, strength], atol=1e-9)


JUDGED = """([levels, minima]) => levels.map(level => {
    const steps = Array.from({ length: 200 }, (_, i) => i + 1);
    const run = { m: 50, steps, losses: steps.map(() => 10 ** level) };
    return views.judged(run, minima, 2).map(rest => rest.line?.level ?? null);
})"""


def test_chance_does_not_put_a_rest_on_a_line_and_a_line_is_found(page):
    minima = [
        {"loss": each.loss, "width": each.width}
        for each in relu_minima(X, Y, pieces=2)
        if each.width <= 2 and each.loss > 0
    ]
    lines = [float(np.log10(each["loss"])) for each in minima]
    random = np.random.default_rng(0).uniform(min(lines), max(lines), 4000).tolist()
    found = page.evaluate(JUDGED, [random, minima])
    assert all(len(rests) == 1 for rests in found)
    assert sum(rests[0] is not None for rests in found) <= 8  # four are to be expected at most
    for line, (nearest,) in zip(lines, page.evaluate(JUDGED, [lines, minima]), strict=True):
        assert abs(nearest - line) < 1e-9
    far = page.evaluate(JUDGED, [[min(lines) - 2], minima])
    assert far == [[None]]


def test_the_chance_of_a_rest_is_the_share_of_places_as_near_to_a_line(page):
    """Its definition, by counting: of places within a quarter of a decade, how many are no further off?"""
    generator = np.random.default_rng(1)
    for count in (1, 4, 30):
        lines = np.sort(generator.uniform(-2, -1, count))
        for rest in generator.uniform(-2, -1, 5):
            places = np.linspace(rest - 0.25, rest + 0.25, 100_001)
            off = abs(lines - rest).min()
            share = np.mean(abs(places[:, None] - lines).min(axis=1) <= off)
            got = page.evaluate("([level, lines]) => chance(level, lines)", [rest, lines.tolist()])
            assert got == pytest.approx(share, abs=1e-4)


def test_a_rest_beside_a_line_is_called_near_until_luck_explains_it(page):
    minima = [{"loss": 0.1, "width": 1}, {"loss": 1.0, "width": 0}]
    # One line in sight, three tries (widths 0, 1 and 2): the chance is 3 · 2 off / 0.5 = 12 off.
    for off, verdict in ((5e-5, "line"), (2e-4, "near"), (2e-3, "near"), (6e-3, None)):
        (rest,) = page.evaluate(JUDGED.replace("rest.line?.level ?? null", "rest"), [[-1 + off], minima])[0]
        assert rest["chance"] == pytest.approx(12 * off, rel=1e-6)
        assert [name for name in ("line", "near") if rest[name]] == ([verdict] if verdict else [])


def test_a_sentence_says_on_a_line_near_one_or_on_none(page):
    said = page.evaluate("""() => {
        const lines = { known: 3, names: [{ level: -1, name: "best of 1 neuron" }] };
        const run = { m: 9, seed: 4, diverged: null, steps: [0, 1000], losses: [1, 0.1],
            shots: [{ hidden: [1, 0], out: [1] }] };
        const place = { level: -1, line: null, near: null }, how = { lr: 0.1, x: [0, 1] };
        const told = rest => views.said(run, [{ ...place, ...rest }], lines, how);
        const line = { level: -1, width: 1 }, other = { level: -1.001, width: 1 };
        return [{ line }, { line: other }, { near: line, chance: 0.0025 }, {}].map(told);
    }""")
    begin = "The net of width 9 (seed 4) rests at log₁₀ loss −1.0000 "
    assert [text.removeprefix(begin) for text in said] == [
        "on the line “best of 1 neuron”.",
        "on a line of 1 neuron.",
        "near the line “best of 1 neuron”, but luck comes so near once in 400 times.",
        "on no line of nets with up to 3 neurons.",
    ]


def test_a_steady_fall_is_no_rest(page):
    falls = page.evaluate("""() => {
        const steps = Array.from({ length: 400 }, (_, i) => i + 1);
        return views.judged({ m: 5, steps, losses: steps.map(t => 0.3 / t) }, [{ loss: 0.1, width: 1 }], 1);
    }""")
    assert falls == []


@pytest.mark.parametrize("alpha", [-0.5, 0.25, 0.5, 1.5])
def test_loss_gradient_hessian_and_its_eigenvectors(page, alpha):
    x, y = ep.data.tanh_teacher()
    net = ep.split(ep.two_layer(1, 2, activation=torch.nn.Tanh, std=0.7, seed=1), neuron=1, alpha=alpha)
    got = page.evaluate(
        """([point, x, y]) => {
            const d = views.derivatives(point, x, y);
            return { loss: d.loss, gradient: [...d.gradient], hessian: d.hessian.map(row => [...row]),
                pairs: views.eigen(d.hessian) };
        }""",
        [start_of(net), x.ravel().tolist(), y.ravel().tolist()],
    )
    value = torch.nn.functional.mse_loss(net(x), y)
    value.backward()
    gradient = start_of(_gradients(net))
    assert got["loss"] == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(got["gradient"], gradient["hidden"] + gradient["out"], atol=1e-12)
    dense = np.array(got["hessian"])
    np.testing.assert_allclose(
        np.linalg.eigvalsh(dense), np.linalg.eigvalsh(ep.hessian(net, x, y).numpy()), atol=1e-10
    )
    values = np.array([pair["value"] for pair in got["pairs"]])
    vectors = np.array([pair["vector"] for pair in got["pairs"]]).T
    np.testing.assert_allclose(dense @ vectors, vectors * values, atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(9), atol=1e-12)


def _gradients(net):
    other = ep.split(net, neuron=0, alpha=0.5)
    other[0] = torch.nn.Linear(1, 3, dtype=torch.float64)
    other[0].weight.data, other[0].bias.data = net[0].weight.grad, net[0].bias.grad
    other[2] = torch.nn.Linear(3, 1, bias=False, dtype=torch.float64)
    other[2].weight.data = net[2].weight.grad
    return other
