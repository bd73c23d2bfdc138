"""Activation modules: how one is asked for, when two are the same σ, and what is no activation at all."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from epbook.activations.facts import KNOWN, out_of_place

ActivationLike = str | nn.Module | Callable[[], nn.Module]
"""How an activation is asked for: a name, a class or another maker of modules, or a module to copy."""

NAMES = {facts.name: module for module, facts in KNOWN.items()}


def module_from(activation: ActivationLike) -> nn.Module:
    """The one way to ask for an activation: by name, by class or another maker, or by a module to copy.

    σ, a new module that shares nothing. Raises ValueError for an unknown name, TypeError for anything that
    is no activation, such as a bare function. Source: the conventions of the whole book.

    >>> module_from("tanh"), module_from(nn.Tanh), module_from(nn.Softplus(2.0))
    (Tanh(), Tanh(), Softplus(beta=2.0, threshold=20.0))
    """
    if isinstance(activation, str):
        if activation not in NAMES:
            raise ValueError(f"unknown activation {activation!r}: known names are {', '.join(NAMES)}")
        return NAMES[activation]()
    if isinstance(activation, nn.Module):
        return copy.deepcopy(activation)
    made: object
    try:
        made = activation()
    except TypeError:  # a function of z
        made = None
    if not isinstance(made, nn.Module):
        raise TypeError(
            f"activation must be a name such as 'tanh', a class such as nn.Tanh, or a module, "
            f"got {activation!r}"
        )
    return made


def same(first: nn.Module | None, second: nn.Module | None) -> bool:
    """Whether two activation modules are one σ: the same class with the same settings.

    Raises nothing of its own. Source: the conventions of the whole book.

    >>> same(nn.Softplus(), nn.Softplus(5.0)), same(nn.Tanh(), nn.Tanh())
    (False, True)
    """
    first, second = first or nn.Identity(), second or nn.Identity()
    if type(first) is not type(second):
        return False
    one, other = _settings(first), _settings(second)
    return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)


def _settings(module: nn.Module) -> dict[str, object]:
    own = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    own.pop("training", None)
    own.pop("inplace", None)  # where the result is written, not what it is
    return {**own, **module.state_dict()}


def _equal(one: object, other: object) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(torch.equal(one, other))
    return bool(one == other)


def is_elementwise(module: nn.Module) -> bool:
    """Whether each output entry depends on its own input entry alone: tanh does, softmax does not.

    Found out by a trial on a small table, whole and entry by entry; parameters, dropout, noise, and writing
    to the input are no activation here. Raises nothing of its own. Source: the conventions of the whole book.

    >>> is_elementwise(nn.Mish()), is_elementwise(nn.Softmax(dim=0))
    (True, False)
    """
    if type(module) in KNOWN or type(module) in (nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU):
        return True
    if any(True for _ in module.parameters()) or isinstance(module, nn.modules.dropout._DropoutNd):
        return False
    module = out_of_place(module)
    probe = torch.tensor(
        [[-1.7, -0.3, 0.0, 0.4, 2.1], [0.9, -2.2, 0.2, -0.1, 1.3], [0.5, 0.6, -4.0, 5.0, -0.7]],
        dtype=torch.float64,
    )
    before = probe.clone()
    try:
        with torch.no_grad():
            whole, again = module(probe), module(probe)
            single = torch.stack([module(entry.view(1, 1)).view(()) for entry in before.flatten()])
    except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError, AttributeError):
        return False
    return (
        isinstance(whole, Tensor)
        and whole.shape == probe.shape
        and torch.equal(probe, before)
        and torch.equal(whole, again)
        # a vectorised and a scalar evaluation may differ in the last place
        and torch.allclose(whole.flatten(), single, rtol=1e-13, atol=1e-15)
    )
