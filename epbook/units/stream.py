"""The residual stream of a transformer made wider: what keeps the output, and what the critical point too."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

WRITERS = ("embed", "out", "down")
READERS = ("query", "key", "value", "up", "unembed")


class Stream(nn.Module):
    """A small pre-norm transformer in which the width of the stream can be changed.

    s = embed x; s ← s + out(attention(N(s))); s ← s + down(gelu(up N(s))); f = unembed N(s), with
    N(s) = γ·(s − mean)/√(var + ε) ("layer"), γ·s/√(mean s² + ε) ("rms"), or s itself (None).
    Source: Xiong et al. 2020 (pre-LN); Zhang & Sennrich 2019 (RMSNorm).

    >>> Stream("rms", stream=4, inputs=3)(torch.ones(2, 5, 3)).shape
    torch.Size([2, 5, 2])
    """

    def __init__(self, norm: str | None, *, stream: int = 4, inputs: int = 3, eps: float = 0.1) -> None:
        super().__init__()
        self.norm, self.eps = norm, eps
        self.embed, self.out, self.down = (nn.Linear(size, stream, bias=False) for size in (inputs, 2, 3))
        self.query, self.key, self.value = (nn.Linear(stream, 2, bias=False) for _ in range(3))
        self.up, self.unembed = nn.Linear(stream, 3), nn.Linear(stream, 2)
        gains = 3 if norm else 0
        self.gains = nn.ParameterList(torch.ones(stream) for _ in range(gains))

    def normed(self, s: Tensor, place: int) -> Tensor:
        """N(s) before attention (place 0), the MLP (1) and what reads out (2); (n, t, d) like s."""
        if self.norm is None:
            return s
        s = s - s.mean(-1, keepdim=True) if self.norm == "layer" else s
        result: Tensor = self.gains[place] * s / (s.square().mean(-1, keepdim=True) + self.eps).sqrt()
        return result

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, t, inputs). Returns (n, t, 2)."""
        s = self.embed(x)
        n = self.normed(s, 0)
        scores = self.query(n) @ self.key(n).transpose(-2, -1) / 2**0.5
        s = s + self.out(scores.softmax(-1) @ self.value(n))
        s = s + self.down(nn.functional.gelu(self.up(self.normed(s, 1))))
        result: Tensor = self.unembed(self.normed(s, 2))
        return result


def copied(
    net: Stream, source: Sequence[int], shares: Sequence[float] | Mapping[str, Sequence[float]]
) -> Stream:
    """The stream with coordinate i a copy of coordinate source[i]: writers copied, readers shared out.

    W_reader[:, i] = f_i W_reader[:, source(i)], with Σ f_i = 1 over the copies of each coordinate.

    shares: f, one list for all readers, or one for each by name. Source: the page on units.

    >>> net = Stream(None).double()
    >>> x = torch.randn(2, 3, 3, dtype=torch.float64)
    >>> torch.allclose(copied(net, [0, 1, 2, 3, 0], [0.7, 1, 1, 1, 0.3])(x), net(x))
    True
    """
    wide, at = copy.deepcopy(net), list(source)
    for name in WRITERS:
        _set(wide, name, getattr(net, name).weight[at])
    for name in READERS:
        f = shares[name] if isinstance(shares, Mapping) else shares
        weight = getattr(net, name).weight
        _set(wide, name, weight[:, at] * torch.tensor(list(f), dtype=weight.dtype))
    wide.gains = nn.ParameterList(gain[at].detach() for gain in net.gains)
    return wide


def extended(net: Stream, *, mean: bool = False, scale_eps: bool = True) -> Stream:
    """The stream with one coordinate more that no reader reads: zero, or the mean of the others.

    γ ← γ √(D/(D+1)), ε ← ε D/(D+1): the new coordinate takes its part in the norm, and these undo it.

    mean: the new coordinate is the mean of the writers' rows, as a norm that subtracts the mean needs.
    scale_eps: leave ε as it was if False, which is an error. D is the width of the stream here.
    Source: Gesmundo & Maile 2023 for RMSNorm, Wang et al. 2024 (LEMON) for LayerNorm: the outputs.

    >>> net = Stream("rms").double()
    >>> x = torch.randn(2, 3, 3, dtype=torch.float64)
    >>> torch.allclose(extended(net)(x), net(x))
    True
    """
    wide = copy.deepcopy(net)
    width = net.embed.weight.shape[0]
    for name in WRITERS:
        weight = getattr(net, name).weight
        row = weight.mean(0, keepdim=True) if mean else torch.zeros_like(weight[:1])
        _set(wide, name, torch.cat([weight, row]))
    for name in READERS:
        weight = getattr(net, name).weight
        _set(wide, name, torch.cat([weight, torch.zeros_like(weight[:, :1])], dim=1))
    factor = width / (width + 1)
    wide.gains = nn.ParameterList(
        torch.cat([gain * factor**0.5, torch.ones_like(gain[:1])]).detach() for gain in net.gains
    )
    wide.eps = net.eps * factor if scale_eps else net.eps
    return wide


def in_gauge(net: Stream) -> Stream:
    """The same function with Σ_j W_ij γ_j = 0 for every reader of a LayerNorm, whose outputs sum to zero.

    W_ij γ_j ← W_ij γ_j − mean_j(W_ij γ_j). Source: the page on units.

    >>> net = Stream("layer").double()
    >>> x = torch.randn(2, 3, 3, dtype=torch.float64)
    >>> torch.allclose(in_gauge(net)(x), net(x))
    True
    """
    wide = copy.deepcopy(net)
    for name in READERS:
        place = {"up": 1, "unembed": 2}.get(name, 0)
        felt = getattr(net, name).weight * net.gains[place]
        _set(wide, name, (felt - felt.mean(1, keepdim=True)) / net.gains[place])
    return wide


def _set(net: Stream, name: str, weight: Tensor) -> None:
    linear = getattr(net, name)
    linear.weight = nn.Parameter(weight.detach().clone())
    linear.out_features, linear.in_features = weight.shape
