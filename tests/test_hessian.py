"""The Hessian against torch.func, curvlinops and central differences; refusals."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call

import epbook as ep

# torch.func.hessian, the oracle, loads a part of PyTorch that uses PyTorch's own deprecated compiler.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")

ACTIVATIONS = [nn.Tanh, nn.Sigmoid, nn.Softplus, nn.SiLU, nn.GELU, nn.ReLU]
LOSSES = {
    "mse": nn.functional.mse_loss,
    "half mse": lambda f, y: 0.5 * nn.functional.mse_loss(f, y),
    "sum of log cosh": lambda f, y: torch.log(torch.cosh(f - y)).sum(),
    "mean absolute error": nn.L1Loss(),  # no curvature of its own, so a product that PyTorch never stores
    "linear": lambda f, y: (f * y).mean(),
    "sum of squares": nn.MSELoss(reduction="sum"),
    "joins the samples": lambda f, y: (f - y).mean() ** 2 + (f * y).sum().tanh(),
}


def net_and_data(depth, activation, outputs, *, seed=0, samples=13, inputs=2):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return 0.8 * torch.randn(*shape, generator=generator, dtype=torch.float64)

    sizes = [inputs, *[3 + level % 2 for level in range(depth - 1)], outputs]
    pieces = []
    for level, (given, wide) in enumerate(itertools.pairwise(sizes)):
        last = level == depth - 1
        bias = None if last and seed % 2 else normal(wide)
        pieces.append((normal(wide, given), bias, None if last else activation()))
    return ep.sequential(pieces), normal(samples, inputs), normal(samples, outputs)


def risk(net, x, y, loss):
    """R as a function of the parameter vector, by torch.func alone."""
    names = [(name, p.shape) for name, p in net.named_parameters()]

    def at(vector):
        pieces = vector.split([shape.numel() for _, shape in names])
        values = {name: piece.view(shape) for (name, shape), piece in zip(names, pieces, strict=True)}
        return loss(functional_call(net, values, (x,)), y)

    return at, nn.utils.parameters_to_vector(net.parameters()).detach()


def relative(ours, theirs):
    worst = (ours - theirs).abs().max().item()
    return worst and worst / theirs.abs().max().item()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("outputs", [1, 2, 3])
def test_equals_torch_func_and_differences(depth, activation, outputs):
    net, x, y = net_and_data(depth, activation, outputs, seed=depth)
    at, theta = risk(net, x, y, nn.functional.mse_loss)
    H = ep.hessian(net, x, y)
    assert relative(H, torch.func.hessian(at)(theta)) < 1e-12
    gradient = torch.func.grad(at)
    step = 1e-5
    columns = [
        (gradient(theta + step * unit) - gradient(theta - step * unit)) / (2 * step)
        for unit in torch.eye(len(theta), dtype=theta.dtype)
    ]
    assert relative(H, torch.stack(columns, dim=1)) < 1e-7


# SiLU's third derivative, which curvlinops asks PyTorch for, does not exist there.
@pytest.mark.parametrize("activation", [nn.Tanh, nn.Sigmoid, nn.Softplus, nn.GELU, nn.ReLU, nn.Softsign])
@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("outputs", [1, 3])
def test_equals_curvlinops(depth, activation, outputs):
    curvlinops = pytest.importorskip("curvlinops")
    net, x, y = net_and_data(depth, activation, outputs, seed=depth)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its deprecation notes are not ours
        operator = curvlinops.HessianLinearOperator(net, nn.MSELoss(), [*net.parameters()], [(x, y)])
        dense = operator @ torch.eye(operator.shape[1], dtype=torch.float64)
    assert relative(ep.hessian(net, x, y), dense.detach()) < 1e-12


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_any_differentiable_loss(name, depth, seed):
    net, x, y = net_and_data(depth, nn.Tanh, 2, seed=seed)
    at, theta = risk(net, x, y, LOSSES[name])
    assert relative(ep.hessian(net, x, y, loss=LOSSES[name]), torch.func.hessian(at)(theta)) < 1e-12


def test_cross_entropy_takes_class_numbers():
    x, y = ep.data.iris()
    net = ep.two_layer(4, 3, outputs=3, activation=nn.Sigmoid, std=0.5, output_bias=True)
    loss = nn.CrossEntropyLoss()
    at, theta = risk(net, x, y.argmax(dim=1), loss)
    assert relative(ep.hessian(net, x, y.argmax(dim=1), loss=loss), torch.func.hessian(at)(theta)) < 1e-12


def test_activation_behind_the_last_layer():
    net, x, y = net_and_data(2, nn.Tanh, 2)
    squashed = nn.Sequential(*net, nn.Sigmoid())
    at, theta = risk(squashed, x, y, nn.functional.mse_loss)
    assert relative(ep.hessian(squashed, x, y), torch.func.hessian(at)(theta)) < 1e-12


def test_many_inputs():
    net, x, y = net_and_data(2, nn.Tanh, 1, inputs=40)
    at, theta = risk(net, x, y, nn.functional.mse_loss)
    assert relative(ep.hessian(net, x, y), torch.func.hessian(at)(theta)) < 1e-12


@pytest.mark.parametrize("depth", [2, 3])
def test_a_loss_that_only_looks_like_the_mean_squared_error(depth):
    class Weighted(nn.MSELoss):
        def forward(self, f, y):
            return 3 * super().forward(f, y) + f.sum() ** 2

    net, x, y = net_and_data(depth, nn.Tanh, 2)
    at, theta = risk(net, x, y, Weighted())
    assert relative(ep.hessian(net, x, y, loss=Weighted()), torch.func.hessian(at)(theta)) < 1e-12


def test_symmetric_to_the_last_bit():
    for outputs, loss in ((1, nn.MSELoss()), (3, nn.MSELoss()), (2, nn.HuberLoss()), (1, nn.HuberLoss())):
        H = ep.hessian(*net_and_data(2, nn.Tanh, outputs, inputs=5), loss=loss)
        assert torch.equal(H, H.T)


def test_own_activation_without_hidden_bias():
    class Sine(nn.Module):
        def forward(self, z):
            return torch.sin(z)

    generator = torch.Generator().manual_seed(3)
    A, B = (torch.randn(*s, generator=generator, dtype=torch.float64) for s in ((4, 2), (1, 4)))
    net = ep.sequential([(A, None, Sine()), (B, None, None)])
    x, y = (torch.randn(9, k, generator=generator, dtype=torch.float64) for k in (2, 1))
    at, theta = risk(net, x, y, nn.functional.mse_loss)
    assert relative(ep.hessian(net, x, y), torch.func.hessian(at)(theta)) < 1e-12


def test_model_and_data_are_left_alone_and_float32_is_widened():
    net, x, y = net_and_data(2, nn.Tanh, 1)
    net, x, y = net.float(), x.float(), y.float()
    before = [p.clone() for p in net.parameters()]
    H = ep.hessian(net, x, y)
    assert H.dtype == torch.float64
    assert all(torch.equal(p, q) and p.grad is None for p, q in zip(net.parameters(), before, strict=True))
    at, theta = risk(net.double(), x.double(), y.double(), nn.functional.mse_loss)
    assert relative(H, torch.func.hessian(at)(theta)) < 1e-12


def test_refused_at_a_kink():
    x, y = ep.data.relu_teacher()
    on_sample = ep.sequential(
        [(torch.ones(1, 1).double(), -x[3], nn.ReLU()), (torch.ones(1, 1).double(), None, None)]
    )
    with pytest.raises(ValueError, match=r"neuron 0 of layer 0 .* sample 3"):
        ep.hessian(on_sample, x, y)
    with pytest.raises(ValueError, match="kink"):
        ep.hessian(
            ep.sequential([(torch.ones(2, 1), torch.zeros(2), nn.ReLU())]),
            torch.zeros(3, 1),
            y[:3].repeat(1, 2),
        )


@pytest.mark.parametrize(
    ("activation", "kink"),
    [(nn.ReLU6(), 0), (nn.ReLU6(), 6), (nn.Hardtanh(), -1), (nn.Hardtanh(), 1), (nn.Hardtanh(-2, 3), 3)],
)
def test_every_kink_of_an_activation_is_known(activation, kink):
    one = torch.ones(1, 1, dtype=torch.float64)
    for beside, refused in ((0.0, True), (1e-3, False)):
        net = ep.sequential([(one, torch.tensor([kink + beside]).double(), activation), (one, None, None)])
        x = torch.tensor([[0.0], [0.25]], dtype=torch.float64)
        if refused:
            with pytest.raises(ValueError, match=rf"sample 0, on the kink of .* at {kink}"):
                ep.hessian(net, x, x)
        else:
            assert ep.hessian(net, x, x).shape == (3, 3)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda net, x, y: (net, x[:, 0], y), ValueError, r"x must be of shape \(n, 2\)"),
        (lambda net, x, y: (net, x, y[:, 0]), ValueError, r"y must be of shape"),
        (lambda net, x, y: (net, x, y[1:]), ValueError, r"y must be of shape"),
        (lambda net, x, y: (net, x.tolist(), y), TypeError, "x must be a tensor of real numbers, got list"),
        (lambda net, x, y: (net, x / 0, y), ValueError, "x holds -?inf"),
        (lambda net, x, y: (net[0].forward, x, y), TypeError, "nn.Sequential"),
        (lambda net, x, y: (nn.Sequential(*net, nn.Softmax(dim=1)), x, y), TypeError, "elementwise"),
    ],
)
def test_bad_input_is_named(change, error, message):
    with pytest.raises(error, match=message):
        ep.hessian(*change(*net_and_data(2, nn.Tanh, 2)))


def test_parameters_must_be_finite():
    net, x, y = net_and_data(2, nn.Tanh, 1)
    with torch.no_grad():
        net[0].weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"the weight of layer 0"):
        ep.hessian(net, x, y)


def test_known_closed_form_of_one_neuron():
    """f = a tanh(wx), one sample: R = (a t − y)², every second derivative by hand."""
    a, w, x, y = 1.3, 0.7, 0.9, 0.4
    t = np.tanh(w * x)
    s = 1 - t * t
    r = a * t - y
    ww = 2 * (a * s * x) ** 2 + 2 * r * a * (-2 * t * s) * x * x
    wa = 2 * a * t * s * x + 2 * r * s * x
    expected = torch.tensor([[ww, wa], [wa, 2 * t * t]], dtype=torch.float64)

    def tensor(value):
        return torch.tensor([[value]], dtype=torch.float64)

    net = ep.sequential([(tensor(w), None, nn.Tanh()), (tensor(a), None, None)])
    torch.testing.assert_close(ep.hessian(net, tensor(x), tensor(y)), expected, rtol=1e-13, atol=0)
