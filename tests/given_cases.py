"""Networks and data as readers bring them, ordinary and odd, for the tables of the tests of `given`."""

import warnings
from collections import OrderedDict

import torch
from torch import nn
from torch.nn.utils import prune, weight_norm

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
