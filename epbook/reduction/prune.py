"""Pruning, the peer of reduction: neurons are left out; a refit can make up for what they did."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from epbook.checks import several, whole
from epbook.given import GivenNetwork, read
from epbook.networks import Layer, hidden
from epbook.neurons import lengths
from epbook.reduction.merge import correction, rounded


def magnitude_prune(net: nn.Sequential, width: int, *, layer: int = 0) -> nn.Sequential:
    """Plain structured magnitude pruning: the `width` neurons with the largest input weights stay.

    The rows of W with the smallest ‖w_j‖₂ are removed, as torch.nn.utils.prune.ln_structured zeroes them,
    and with them their outgoing weights; nothing makes up for what they did.

    Returns a new, smaller network. Raises ValueError for a width not between 1 and the layer's, or a
    layer that is not there. Source: the peer in section 1.4; Li et al. (2017) for filters.

    >>> from epbook.networks import two_layer
    >>> magnitude_prune(two_layer(2, 6), 4)[0].out_features
    4
    """
    given = read(net)
    before = hidden(list(given.layers), layer)
    said = f"a whole number from 1 to {before}"
    left = whole(width, "width", 1, said=said)
    if left > before:
        raise ValueError(f"width must be {said}, got {width!r}")
    return _without(given, lengths(given.layers[layer].weight).topk(left).indices.tolist(), layer)


def keep_only(net: nn.Sequential, neurons: Iterable[int], *, layer: int = 0) -> nn.Sequential:
    """A hidden layer with these neurons alone: the others go, and with them their outgoing weights.

    neurons: their numbers, each once, from 0; their order stays that of the layer.
    Returns a new, smaller network. Raises ValueError where none is named, one is named twice or is not
    there. Source: the peer in section 1.4, one neuron of each group.

    >>> from epbook.networks import two_layer
    >>> keep_only(two_layer(2, 6), [4, 1])[0].out_features
    2
    """
    given = read(net)
    before = hidden(list(given.layers), layer)
    stay = several(neurons, "neurons", 0)
    if max(stay) >= before:
        raise ValueError(
            f"neurons must name some of the {before} of layer {layer}, 0 to {before - 1}, got {stay}"
        )
    return _without(given, stay, layer)


def refit(small: nn.Sequential, net: nn.Sequential, x: Tensor, *, layer: int = 0) -> nn.Sequential:
    """Fit the outgoing weights of a layer anew, so that the next layer gets what it gets in `net`.

    min over a' of Σ_i ‖Σ_j a'_j σ(z_j(x_i)) + b' − z'(x_i)‖², z' the next pre-activation in `net`; of all
    solutions the nearest to the present weights. Labels are not used. `reduce` does the same in the mode
    "least-squares": so this is what makes pruning a fair peer.

    small: the network that was cut, net: the one it came from, alike after `layer`; x: (n, d).
    Returns a new network. Raises ValueError where the two do not fit together.
    Source: He, Zhang and Sun (2017), for channels.

    >>> import torch
    >>> from epbook.networks import two_layer
    >>> x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> net = two_layer(3, 8, std=1.0)
    >>> small = magnitude_prune(net, 6)
    >>> bool((refit(small, net, x)(x) - net(x)).norm() < (small(x) - net(x)).norm())
    True
    """
    whole_net, cut = read(net, x), read(small, x)
    shapes = [layer.weight.shape[0] for layer in whole_net.layers]
    if shapes[layer + 1 :] != [layer.weight.shape[0] for layer in cut.layers][layer + 1 :]:
        raise ValueError(f"the networks differ after layer {layer}: one cannot be refitted to the other")
    hidden(list(cut.layers), layer)
    assert cut.x is not None  # read with data
    found = list(cut.layers)
    following = found[layer + 1]
    change = correction(list(whole_net.layers), found, layer, cut.x)
    number = next(small.parameters()).dtype
    found[layer + 1] = following._replace(weight=rounded(following.weight + change.T, number))
    return cut.network(found)


def _without(given: GivenNetwork, stay: Iterable[int], layer: int) -> nn.Sequential:
    """The network with only the neurons `stay` in a layer."""
    found: list[Layer] = list(given.layers)
    this, following = found[layer], found[layer + 1]
    at = sorted(stay)
    bias = None if this.bias is None else this.bias[at]
    found[layer] = this._replace(weight=this.weight[at], bias=bias)
    found[layer + 1] = following._replace(weight=following.weight[:, at])
    return given.network(found)
