"""Which modules a network may be made of; what its weights do not describe is refused, with the cure."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.prune import BasePruningMethod

from epbook.activations import is_elementwise, out_of_place
from epbook.networks import Layer

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def layers(net: nn.Sequential) -> list[Layer]:
    """Read a network as (weight, bias, activation) triples; the inverse of `sequential`.

    x ↦ σ_L(W_L … σ_1(W_1 x + b_1) … + b_L), weight l of shape (out_l, in_l), bias (out_l,) or None.

    Accepts an nn.Sequential, also nested, that starts with a plain Linear and holds only Linear modules with
    an elementwise activation or none behind each. The tensors are detached, not copied; activations that
    work in place are replaced by such that do not. Refused, since they would be read wrongly: subclasses
    of Linear, hooks, pruning and other parametrizations, parameters that are used twice, dropout,
    normalisation. Raises TypeError that names the module and what to do, ValueError where dimensions do
    not chain. Source: the conventions of the whole book.

    >>> from epbook.networks import two_layer
    >>> [layer.width for layer in layers(two_layer(1, 3))]
    [3, 1]
    """
    found: list[Layer] = []
    for where, module in plain_modules(net):
        if isinstance(module, nn.Linear):
            layer = Layer(module.weight.detach(), None if module.bias is None else module.bias.detach(), None)
            if found and layer.inputs != found[-1].width:
                raise ValueError(
                    f"{where} takes {layer.inputs} inputs, the Linear before it gives {found[-1].width}"
                )
            found.append(layer)
        elif isinstance(module, nn.Identity):
            if not found:
                raise TypeError("a network must start with a Linear, got Identity: leave it out")
            if found[-1].activation is None:
                found[-1] = found[-1]._replace(activation=module)
        elif not found:
            raise TypeError(f"a network must start with a Linear, got {module}: apply it to x beforehand")
        elif found[-1].activation is not None and not isinstance(found[-1].activation, nn.Identity):
            raise TypeError(
                f"{where}, {module}, follows an activation: expected a Linear. Write the two as one module "
                "of your own whose forward applies both"
            )
        else:
            found[-1] = found[-1]._replace(activation=out_of_place(module))
    if not found:
        raise TypeError("the network is empty: it needs at least one nn.Linear")
    return found


def plain_modules(net: nn.Sequential) -> Iterator[tuple[str, nn.Module]]:
    """The modules of a network in their order, nested Sequentials unrolled, each with words for where it is.

    Raises TypeError where one is no plain Linear and no elementwise activation, or is used twice.
    Source: the conventions of the whole book.

    >>> [where for where, _ in plain_modules(nn.Sequential(nn.Linear(1, 2), nn.Tanh()))]
    ['module 0', 'module 1']
    """
    _refuse_foreign(net)
    seen: set[int] = set()
    for where, module in _unrolled(net, ""):
        refuse_hooks(where, module)
        if isinstance(module, nn.Linear):
            _refuse_unlike_linear(where, module)
            for name, part in _own_parameters(module):
                place = part.data_ptr() or id(part)  # the meta device has no addresses
                if place in seen:
                    raise TypeError(
                        f"the {name} of {where} is used twice in this network: tied parameters cannot be "
                        "split or varied one by one. Untie them: copy.deepcopy each use"
                    )
                seen.add(place)
        elif not is_elementwise(module):
            raise TypeError(f"{where}, {module}, is {_advice(module)}")
        yield where, module


def _unrolled(net: nn.Sequential, before: str) -> Iterator[tuple[str, nn.Module]]:
    for name, module in net._modules.items():
        if isinstance(module, nn.Sequential):
            _refuse_foreign(module)
            refuse_hooks(f"module {before}{name}", module)
            yield from _unrolled(module, f"{before}{name}.")
        else:
            yield f"module {before}{name}", module


def _refuse_foreign(net: object) -> None:
    """Only nn.Sequential's own forward says that a network is its modules one after another."""
    if isinstance(net, nn.Sequential) and type(net).forward is nn.Sequential.forward:
        refuse_hooks("the network", net)
        return
    how = "build it as nn.Sequential(nn.Linear(…), nn.Tanh(), …), or ep.sequential([(weight, bias, σ), …])"
    if isinstance(net, nn.Module):
        inner = {"_orig_mod": "net._orig_mod", "module": "net.module"}
        how = next((f"pass {said}" for name, said in inner.items() if name in net._modules), how)
    raise TypeError(f"expected an nn.Sequential of Linear and activations, got {type(net).__name__}: {how}")


def refuse_hooks(where: str, module: nn.Module) -> None:
    """Raise TypeError where a module has hooks or a forward of its own, which its weights do not tell.

    Source: PyTorch's hooks, and its pruning, which is one.

    >>> refuse_hooks("module 0", nn.Linear(1, 1))
    """
    if "forward" in vars(module):
        raise TypeError(f"{where} has a forward of its own: its weights do not say what it computes")
    hooks = [name for name in _HOOKS if getattr(module, name)]
    if hooks:
        pruned = any(isinstance(hook, BasePruningMethod) for hook in module._forward_pre_hooks.values())
        cure = (
            'make the pruning permanent with torch.nn.utils.prune.remove(module, "weight")'
            if pruned
            else "take them off: its weights alone do not say what it computes"
        )
        raise TypeError(f"{where}, {module}, has hooks ({', '.join(hooks)}): {cure}")


def _refuse_unlike_linear(where: str, module: nn.Linear) -> None:
    if type(module) is not nn.Linear:
        if parametrize.is_parametrized(module):  # which makes a subclass of it
            raise TypeError(
                f"{where}, {module}, is parametrized: make it plain with "
                'torch.nn.utils.parametrize.remove_parametrizations(module, "weight")'
            )
        raise TypeError(
            f"{where} is a {type(module).__name__}, a subclass of Linear that may compute something else: "
            "copy its weight and bias into a plain nn.Linear"
        )
    if module._modules:
        raise TypeError(f"{where} has modules of its own, {', '.join(module._modules)}: expected none")
    for name, part in _own_parameters(module):
        if name not in ("weight", "bias") or not part.is_floating_point():
            raise TypeError(f"{where} has a parameter {name} of {part.dtype}: expected real weight and bias")


def _own_parameters(module: nn.Linear) -> Iterator[tuple[str, nn.Parameter]]:
    """As `named_parameters`, without its walk through submodules, which takes as long as a small Hessian."""
    return ((name, part) for name, part in module._parameters.items() if part is not None)


def _advice(module: nn.Module) -> str:
    """What a module that is no activation is, and what to do about it."""
    if isinstance(module, nn.modules.dropout._DropoutNd):
        return "dropout, which no function of x is: leave it out (eval mode does not remove it)"
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return (
            "a normalisation: fold it into the Linear before it (torch.nn.utils.fusion.fuse_linear_bn_eval)"
        )
    if isinstance(module, nn.LayerNorm | nn.GroupNorm | nn.RMSNorm):
        return "a normalisation, which ties the neurons of a sample together: ask about a network without it"
    if isinstance(module, nn.Flatten):
        return "no activation: leave it out and pass x.flatten(1)"
    if isinstance(module, nn.Softmax | nn.LogSoftmax | nn.Softmin):
        return "not elementwise: an output head such as softmax belongs into the loss"
    if any(True for _ in module.parameters()):
        return (
            "no plain Linear and has parameters: only Linear may have them "
            "(ep.units splits channels, heads and gates)"
        )
    return (
        "not a parameter-free elementwise activation: each output must depend on its own input alone, "
        "without noise, and the input must be left as it is"
    )
