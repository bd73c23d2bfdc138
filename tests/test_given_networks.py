"""Which networks a reader may bring: each of this table is read right, or refused with a word on what to do.

Right means: the loss and its gradient by PyTorch's own backward pass, through the reader's own network, are
those of the layers that were read, and a split network gives the reader's output in the reader's type.
"""

import copy

import pytest
import torch
from given_cases import (
    Doubled,
    Overwrites,
    Own,
    Plain,
    Residual,
    Shared,
    Tanh,
    changed,
    data,
    filled,
    hooked,
    mlp,
    named,
    old_weight_norm,
    one_parameter_twice,
    one_weight_twice,
    own_forward,
    pruned,
    unwarned,
)
from torch import nn
from torch.nn.utils import parametrizations

import epbook as ep
from epbook.given import read
from epbook.networks import forward

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
    "LayerNorm": (lambda: mlp(nn.LayerNorm(4)), TypeError, "normalisation, which ties"),
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


def test_the_table_is_long():
    assert len(RIGHT) + len(REFUSED) >= 75
