"""What a reader may bring: every input of this table is read right, or refused with a word on what to do.

Right means: the loss and its gradient by PyTorch's own backward pass, through the reader's own network, are
those of the layers that were read, and a split network gives the reader's output in the reader's type.
"""

import copy
import warnings
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, weight_norm

import epbook as ep
from epbook.given import differentiable, read
from epbook.networks import forward

N = 7


def data(dtype=torch.float64, inputs=2, outputs=1):
    draw = torch.Generator().manual_seed(5)
    x = torch.randn(N, inputs, generator=draw, dtype=torch.float64)
    return x.to(dtype), torch.randn(N, outputs, generator=draw, dtype=torch.float64).to(dtype)


def mlp(activation=None, *, outputs=1, dtype=torch.float64, bias=True):
    torch.manual_seed(3)
    middle = nn.Tanh() if activation is None else activation
    return nn.Sequential(nn.Linear(2, 4, bias=bias), middle, nn.Linear(4, outputs)).to(dtype)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2 * super().forward(x)


class Residual(nn.Sequential):
    def forward(self, x):
        return super().forward(x) + x.sum(dim=1, keepdim=True)


class Plain(nn.Sequential):
    """A subclass that changes nothing."""


class Tanh(nn.Module):
    """Another σ under a known name."""

    def forward(self, z):
        return torch.sin(z)


class Shared(nn.Module):
    """Centres the batch: no function of one entry."""

    def forward(self, z):
        return z - z.mean(dim=0)


class Overwrites(nn.Module):
    def forward(self, z):
        return z.mul_(2)


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 3), nn.Linear(3, 1)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x)))


def changed(change, **options):
    """A network to which something was done; `change` returns another one or None for the same."""
    net = mlp(**options)
    return change(net) or net


def hooked(net, where):
    net[where].register_forward_hook(lambda module, given, output: 2 * output)


def pruned(net, permanent=False):
    prune.l1_unstructured(net[0], "weight", amount=3)
    if permanent:
        prune.remove(net[0], "weight")


def filled(where, part, value):
    net = mlp()
    getattr(net[where], part).data.fill_(value)
    return net


def unwarned(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch, on making such a network at all
        return make()


def one_weight_twice():
    linear = nn.Linear(2, 2).double()
    return nn.Sequential(linear, nn.Tanh(), linear)


def one_parameter_twice():
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2)).double()
    net[2].weight = net[0].weight
    return net


def own_forward(net):
    net[0].forward = lambda x: x


def named():
    modules = {"first": nn.Linear(2, 4), "bend": nn.SiLU(), "last": nn.Linear(4, 1)}
    return nn.Sequential(OrderedDict(modules)).double()


def old_weight_norm(net):
    unwarned(lambda: weight_norm(net[0]))


# name: the network; read right.
RIGHT = {
    "float64": mlp,
    "float32": lambda: mlp(dtype=torch.float32),
    "float16": lambda: mlp(dtype=torch.float16),
    "bfloat16": lambda: mlp(dtype=torch.bfloat16),
    "no bias": lambda: mlp(bias=False),
    "linear": lambda: nn.Sequential(nn.Linear(2, 1)).double(),
    "deep": lambda: nn.Sequential(
        nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.SiLU(), nn.Linear(3, 1)
    ).double(),
    "nested": lambda: nn.Sequential(
        nn.Sequential(nn.Linear(2, 3), nn.Tanh()), nn.Sequential(nn.Linear(3, 1))
    ).double(),
    "two Linear in a row": lambda: nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).double(),
    "Identity after Linear": lambda: mlp(nn.Identity()),
    "Identity before σ": lambda: nn.Sequential(
        nn.Linear(2, 4), nn.Identity(), nn.Tanh(), nn.Linear(4, 1)
    ).double(),
    "Identity after σ": lambda: nn.Sequential(
        nn.Linear(2, 4), nn.Tanh(), nn.Identity(), nn.Linear(4, 1)
    ).double(),
    "σ at the end": lambda: nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid()).double(),
    "named": named,
    "plain subclass": lambda: Plain(*mlp()),
    "frozen": lambda: mlp().requires_grad_(False),
    "eval": lambda: mlp().eval(),
    "permanent pruning": lambda: changed(lambda net: pruned(net, permanent=True)),
    "σ of the reader's own": lambda: mlp(Tanh()),
    "SiLU in place": lambda: mlp(nn.SiLU(inplace=True)),
    "ReLU in place": lambda: mlp(nn.ReLU(inplace=True)),
    "ELU in place": lambda: mlp(nn.ELU(inplace=True)),
    "LeakyReLU in place": lambda: mlp(nn.LeakyReLU(0.2, inplace=True)),
    "Mish in place": lambda: mlp(nn.Mish(inplace=True)),
    "ReLU": lambda: mlp(nn.ReLU()),
    "ReLU6": lambda: mlp(nn.ReLU6()),
    "Hardtanh": lambda: mlp(nn.Hardtanh(-0.5, 0.5)),
    "Softplus": lambda: mlp(nn.Softplus()),
    "Softplus, steep": lambda: mlp(nn.Softplus(beta=3.0)),
    "Softplus, early threshold": lambda: mlp(nn.Softplus(threshold=0.3)),
    "GELU": lambda: mlp(nn.GELU()),
    "GELU, tanh": lambda: mlp(nn.GELU("tanh")),
    "SELU": lambda: mlp(nn.SELU()),
    "CELU": lambda: mlp(nn.CELU(0.7)),
    "Softsign": lambda: mlp(nn.Softsign()),
    "Hardswish": lambda: mlp(nn.Hardswish()),
    "Tanhshrink": lambda: mlp(nn.Tanhshrink()),
    "LogSigmoid": lambda: mlp(nn.LogSigmoid()),
    "RReLU in eval": lambda: mlp(nn.RReLU().eval()),
    "two outputs": lambda: mlp(outputs=2),
}

# name: (the network, error, what the message says)
REFUSED = {
    "no Sequential": (Own, TypeError, "got Own: build it as nn.Sequential"),
    "a Linear alone": (lambda: nn.Linear(2, 1), TypeError, "got Linear: build it"),
    "compiled": (lambda: unwarned(lambda: torch.compile(mlp())), TypeError, "pass net._orig_mod"),
    "DataParallel": (lambda: nn.DataParallel(mlp()), TypeError, "pass net.module"),
    "a function": (lambda: torch.tanh, TypeError, "expected an nn.Sequential"),
    "empty": (nn.Sequential, TypeError, "empty"),
    "σ first": (lambda: nn.Sequential(nn.Tanh(), nn.Linear(2, 1)), TypeError, "start with a Linear"),
    "two σ in a row": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Tanh()),
        TypeError,
        "follows an activation",
    ),
    "Linear subclass": (
        lambda: nn.Sequential(Doubled(2, 3), nn.Tanh(), nn.Linear(3, 1)),
        TypeError,
        "is a Doubled, a subclass .* copy its weight",
    ),
    "Sequential subclass": (lambda: Residual(*mlp()), TypeError, "got Residual"),
    "forward hook on Linear": (lambda: changed(lambda n: hooked(n, 0)), TypeError, "has hooks"),
    "forward hook on σ": (lambda: changed(lambda n: hooked(n, 1)), TypeError, "has hooks"),
    "hook on the network": (
        lambda: changed(lambda n: n.register_forward_pre_hook(lambda m, x: x) and None),
        TypeError,
        "(?s)the network.*has hooks",
    ),
    "forward replaced": (lambda: changed(own_forward), TypeError, "forward of its own"),
    "pruned": (lambda: changed(pruned), TypeError, "prune.remove"),
    "weight_norm": (lambda: changed(old_weight_norm), TypeError, "has hooks"),
    "spectral_norm": (
        lambda: changed(lambda n: parametrizations.spectral_norm(n[0]) and None),
        TypeError,
        "remove_parametrizations",
    ),
    "orthogonal": (
        lambda: changed(lambda n: parametrizations.orthogonal(n[0]) and None),
        TypeError,
        "remove_parametrizations",
    ),
    "a module twice": (one_weight_twice, TypeError, "used twice .* copy.deepcopy"),
    "a parameter twice": (one_parameter_twice, TypeError, "used twice"),
    "dropout": (lambda: mlp(nn.Dropout(0.5)), TypeError, "dropout.*leave it out"),
    "dropout in eval": (lambda: mlp(nn.Dropout(0.5)).eval(), TypeError, "eval mode does not remove"),
    "BatchNorm": (lambda: mlp(nn.BatchNorm1d(4)), TypeError, "normalisation: fold"),
    "LayerNorm": (lambda: mlp(nn.LayerNorm(4)), TypeError, "has parameters"),
    "PReLU": (lambda: mlp(nn.PReLU()), TypeError, "has parameters"),
    "RReLU in training": (lambda: mlp(nn.RReLU()), TypeError, "without noise"),
    "softmax": (lambda: mlp(nn.Softmax(dim=1)), TypeError, "belongs into the loss"),
    "softmax over samples": (lambda: mlp(nn.Softmax(dim=0)), TypeError, "belongs into the loss"),
    "centring": (lambda: mlp(Shared()), TypeError, "own input alone"),
    "σ that overwrites z": (lambda: mlp(Overwrites()), TypeError, "input must be left as it is"),
    "Flatten": (lambda: nn.Sequential(nn.Flatten(), *mlp()), TypeError, "apply it to x beforehand"),
    "Conv1d": (lambda: mlp(nn.Conv1d(1, 1, 1)), TypeError, "only Linear may have them"),
    "complex": (lambda: unwarned(lambda: mlp(dtype=torch.complex128)), TypeError, "complex"),
    "sizes that do not chain": (
        lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(3, 1)),
        ValueError,
        "takes 3 inputs, the Linear before it gives 2",
    ),
    "NaN weights": (
        lambda: filled(0, "weight", torch.nan),
        ValueError,
        "finite",
    ),
    "infinite bias": (
        lambda: filled(2, "bias", torch.inf),
        ValueError,
        "bias of",
    ),
}


def targets(net):
    return data(next(net.parameters()).dtype, outputs=net(data(next(net.parameters()).dtype)[0]).shape[1])


@pytest.mark.parametrize("name", RIGHT)
def test_networks_that_are_read_right(name):
    net = RIGHT[name]()
    dtype = next(net.parameters()).dtype
    before = copy.deepcopy(net.state_dict())
    x, y = targets(net)
    given = read(net, x, y)
    double = copy.deepcopy(net).double().requires_grad_(True)
    loss = nn.functional.mse_loss(double(x.double()), y.double())
    expected = torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(double.parameters()))])
    parts = [p.clone().requires_grad_(True) for layer in given.layers for p in layer[:2] if p is not None]
    values = iter(parts)
    opened = [
        layer._replace(weight=next(values), bias=None if layer.bias is None else next(values))
        for layer in given.layers
    ]
    ours = nn.functional.mse_loss(forward(opened, given.x), given.y)
    assert ours.item() == pytest.approx(loss.item(), rel=1e-12)
    got = torch.cat([g.flatten() for g in torch.autograd.grad(ours, parts)])
    if name != "permanent pruning":  # there PyTorch has the bias before the weight
        assert torch.allclose(got, expected, rtol=1e-10, atol=1e-13)
        assert torch.equal(given.theta, nn.utils.parameters_to_vector(double.parameters()))
    assert given.x.dtype == given.y.dtype == torch.float64
    if len(given.layers) > 1:
        wide = ep.split(net, layer=0, neuron=0, alpha=0.3)
        part = next(wide.parameters())
        assert (part.dtype, wide.training, part.requires_grad) == (
            dtype,
            net.training,
            next(net.parameters()).requires_grad,
        )
        eps = torch.finfo(dtype).eps
        assert torch.allclose(wide(x).double(), net(x).double(), rtol=20 * eps, atol=20 * eps)
    for key, value in net.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.parametrize("name", REFUSED)
def test_networks_that_are_refused_with_the_cure(name):
    make, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        read(make())


def test_names_and_frozen_parts_come_back():
    net = named()
    net.first.weight.requires_grad_(False)
    wide = ep.split(net, layer=0, neuron=1)
    assert [name for name, _ in wide.named_children()] == ["first", "bend", "last"]
    assert [part.requires_grad for part in wide.parameters()] == [False, True, True, True]


def test_a_permanent_pruning_numbers_the_parameters_otherwise_and_says_so():
    net = changed(lambda made: pruned(made, permanent=True))
    with pytest.raises(ValueError, match=r"ep.sequential\(ep.layers\(net\)\)"):
        ep.hessian(net, *data())
    assert ep.hessian(ep.sequential(ep.layers(net)), *data()).shape == (17, 17)


def huber(delta):
    return nn.HuberLoss(delta=delta)


def square_of_differences(output, target):
    return (output - target).square().sum()


LABELS = torch.tensor([0, 1, 1, 0, 1, 0, 0])
# name: (outputs, change of (x, y), loss)
DATA_RIGHT = {
    "float32 data": (1, lambda x, y: (x.float(), y.float()), nn.functional.mse_loss),
    "mixed types": (1, lambda x, y: (x.float(), y), nn.functional.mse_loss),
    "NumPy": (1, lambda x, y: (x.numpy(), y.numpy()), nn.functional.mse_loss),
    "whole numbers": (1, lambda x, y: ((10 * x).long(), (10 * y).long()), nn.functional.mse_loss),
    "x asks for gradients": (1, lambda x, y: (x.clone().requires_grad_(True), y), nn.MSELoss()),
    "not contiguous": (1, lambda x, y: (x.T.contiguous().T, y), nn.MSELoss()),
    "one sample": (1, lambda x, y: (x[:1], y[:1]), nn.MSELoss()),
    "sum": (1, lambda x, y: (x, y), nn.MSELoss(reduction="sum")),
    "Huber": (1, lambda x, y: (x, y), huber(0.3)),
    "a function": (2, lambda x, y: (x, y), square_of_differences),
    "labels": (2, lambda x, y: (x, LABELS), nn.functional.cross_entropy),
    "labels, float32 class weights": (
        2,
        lambda x, y: (x, LABELS),
        nn.CrossEntropyLoss(weight=torch.tensor([0.3, 0.7])),
    ),
    "class probabilities": (2, lambda x, y: (x, y.softmax(1)), nn.CrossEntropyLoss(label_smoothing=0.1)),
    "yes or no": (1, lambda x, y: (x, y > 0), nn.functional.binary_cross_entropy_with_logits),
    "huge units": (1, lambda x, y: (1e9 * x, 1e9 * y), nn.MSELoss()),
}
DATA_REFUSED = {
    "y of shape (n,)": (1, lambda x, y: (x, y[:, 0]), nn.MSELoss(), ValueError, r"Use y\[:, None\]"),
    "y of shape (n,), Huber": (1, lambda x, y: (x, y[:, 0]), huber(1.0), ValueError, r"Use y\[:, None\]"),
    "y of shape (n,), own": (
        1,
        lambda x, y: (x, y[:, 0]),
        square_of_differences,
        ValueError,
        "every output with every target",
    ),
    "whole y of shape (n,), own": (
        1,
        lambda x, y: (x, LABELS),
        square_of_differences,
        ValueError,
        "every output with every target",
    ),
    "y of one row": (1, lambda x, y: (x, y[:1]), square_of_differences, ValueError, "must be of shape"),
    "y of one column": (2, lambda x, y: (x, y[:, :1]), nn.L1Loss(), ValueError, "must be of shape"),
    "labels out of range": (
        2,
        lambda x, y: (x, LABELS + 5),
        nn.functional.cross_entropy,
        ValueError,
        "the loss cannot compare",
    ),
    "x of one dimension": (1, lambda x, y: (x[:, 0], y), nn.MSELoss(), ValueError, r"shape \(n, 2\)"),
    "images": (1, lambda x, y: (x[:, :, None], y), nn.MSELoss(), ValueError, r"x.flatten\(1\)"),
    "x of three columns": (1, lambda x, y: (torch.ones(N, 3), y), nn.MSELoss(), ValueError, r"\(n, 2\)"),
    "no sample": (1, lambda x, y: (x[:0], y[:0]), nn.MSELoss(), ValueError, r"got \(0, 2\)"),
    "NaN in x": (1, lambda x, y: (x / 0 * 0, y), nn.MSELoss(), ValueError, r"x holds nan at \[0, 0\]"),
    "infinity in y": (1, lambda x, y: (x, y / 0), nn.MSELoss(), ValueError, "y holds -?inf"),
    "complex x": (1, lambda x, y: (x + 0j, y), nn.MSELoss(), TypeError, "complex128"),
    "sparse x": (1, lambda x, y: (x.to_sparse(), y), nn.MSELoss(), TypeError, "dense"),
    "lists": (1, lambda x, y: (x.tolist(), y), nn.MSELoss(), TypeError, "got list"),
    "a loader": (
        1,
        lambda x, y: (torch.utils.data.DataLoader(x), y),
        nn.MSELoss(),
        TypeError,
        "got DataLoader: hand all of it over at once",
    ),
    "y alone": (1, lambda x, y: (None, y), nn.MSELoss(), ValueError, "y was given without x"),
    "text": (1, lambda x, y: (np.array([["a", "b"]]), y), nn.MSELoss(), TypeError, "got ndarray"),
    "reduction none": (
        1,
        lambda x, y: (x, y),
        nn.HuberLoss(reduction="none"),
        ValueError,
        "must give one number, got shape",
    ),
    "a loss that gives a float": (
        1,
        lambda x, y: (x, y),
        lambda f, y: 1.0,
        ValueError,
        "one number, got 1.0",
    ),
}


@pytest.mark.parametrize("name", DATA_RIGHT)
def test_data_that_are_read_right(name):
    outputs, change, loss = DATA_RIGHT[name]
    net = mlp(outputs=outputs)
    x, y = change(*data(outputs=outputs))
    H = ep.hessian(net, x, y, loss=loss)
    x64 = torch.as_tensor(x).detach().double()
    y64 = torch.as_tensor(y)
    y64 = y64 if y64 is LABELS else y64.double()
    loss = copy.deepcopy(loss).double() if isinstance(loss, nn.Module) else loss
    names = [name for name, _ in net.named_parameters()]
    shapes = [part.shape for part in net.parameters()]
    sizes = [part.numel() for part in net.parameters()]

    def at(theta):
        parts = [p.view(s) for p, s in zip(theta.split(sizes), shapes, strict=True)]
        return loss(torch.func.functional_call(net, dict(zip(names, parts, strict=True)), (x64,)), y64)

    expected = torch.autograd.functional.hessian(at, nn.utils.parameters_to_vector(net.parameters()).detach())
    assert torch.allclose(H, expected, rtol=1e-9, atol=1e-11 * float(expected.abs().max()))


@pytest.mark.parametrize("name", DATA_REFUSED)
def test_data_that_are_refused_with_the_cure(name):
    outputs, change, loss, error, message = DATA_REFUSED[name]
    with pytest.raises(error, match=message):
        read(mlp(outputs=outputs), *change(*data(outputs=outputs)), loss=loss)


def test_the_table_is_long():
    assert len(RIGHT) + len(REFUSED) + len(DATA_RIGHT) + len(DATA_REFUSED) >= 100


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_what_is_switched_off_outside_does_not_matter(around):
    net = mlp()
    with around():
        x, y = data()
        H = ep.hessian(net, x + 0, y + 0)
        point = ep.find_critical(net, x + 0, y + 0, steps=3)
        with differentiable():
            assert (torch.ones(1, requires_grad=True) * 2).requires_grad
    assert torch.equal(H, ep.hessian(net, x.clone(), y.clone()))
    assert point.model[0].weight.requires_grad


def test_a_network_of_no_numbers_is_still_split():
    net = mlp().to("meta")
    for wide in (ep.split(net, layer=0, neuron=1, alpha=0.3), ep.embed(net, widths=[7])):
        assert wide[0].weight.device.type == "meta"
    assert wide[0].weight.shape == (7, 2)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_network_on_a_gpu_comes_back_there():
    net, (x, y) = mlp(dtype=torch.float32).cuda(), [part.cuda() for part in data(torch.float32)]
    assert ep.split(net, layer=0, neuron=0)[0].weight.is_cuda
    assert torch.allclose(ep.hessian(net, x, y).cpu(), ep.hessian(net.cpu(), x.cpu(), y.cpu()))


def test_data_elsewhere_than_the_network_are_refused():
    x, y = data()
    with pytest.raises(ValueError, match="x is on meta, the network on cpu"):
        read(mlp(), x.to("meta"), y)
