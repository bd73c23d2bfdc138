"""One small network for each kind of unit, to try things on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.results import Result
from epbook.units.find import find
from epbook.units.named import named
from epbook.units.parts import Part, Units


class GatedBlock(nn.Module):
    """SwiGLU, down(silu(gate x) · up x). Source: Shazeer 2020.

    >>> GatedBlock(inputs=3, width=4, outputs=2)(torch.ones(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(self, inputs: int = 3, width: int = 3, outputs: int = 2) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(inputs, width), nn.Linear(inputs, width)
        self.down = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, inputs). Returns (n, outputs)."""
        result: Tensor = self.down(nn.functional.silu(self.gate(x)) * self.up(x))
        return result


class ResidualBlock(nn.Module):
    """x + MLP(LayerNorm(x)), half of a transformer's block. Source: Xiong et al. 2020 (pre-LN).

    >>> ResidualBlock(stream=3, width=4)(torch.ones(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(self, stream: int = 3, width: int = 3) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(stream)
        self.mlp = nn.Sequential(nn.Linear(stream, width), nn.GELU(), nn.Linear(width, stream))

    def forward(self, x: Tensor) -> Tensor:
        """x: (n, d), the stream. Returns (n, d)."""
        result: Tensor = x + self.mlp(self.norm(x))
        return result


class CausalBlock(nn.Module):
    """A reader's own module around `nn.MultiheadAttention`, with a causal mask. Source: this book's."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.read = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[1], x.shape[1]).triu(1).bool()
        mixed, _ = self.attention(x, x, x, attn_mask=mask, need_weights=False)
        result: Tensor = self.read(x + mixed)
        return result


class SharedKeys(nn.Module):
    """Query heads that share one key and one value head. Source: Shazeer 2019 (multi-query attention)."""

    def __init__(self, stream: int = 3, heads: int = 2, size: int = 2, outputs: int = 2) -> None:
        super().__init__()
        self.size = size
        self.query, self.key, self.value = (nn.Linear(stream, n * size) for n in (heads, 1, 1))
        self.out = nn.Linear(heads * size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        q = self.query(x).unflatten(-1, (-1, self.size)).transpose(1, 2)  # (batch, heads, words, size)
        scores = q @ self.key(x).unsqueeze(1).transpose(-2, -1) / self.size**0.5
        mixed = scores.softmax(-1) @ self.value(x).unsqueeze(1)
        result: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return result

    def heads(self, x: Tensor) -> Units:
        """The query heads: w their query rows, C their columns of `out`; what they share comes before."""
        sizes = (self.size,) * (self.query.out_features // self.size)
        rows = [Part(f"query.{name}", 0, sizes) for name in ("weight", "bias")]
        columns = Part("out.weight", 1, sizes)
        return named(self, x, incoming=rows, outgoing=columns, sum_at="out", kind="query heads")


@dataclass(frozen=True, eq=False)
class Example(Result):
    """How to build a network with one kind of unit, the shape of its data, and its family's name.

    Source: the page on units.

    >>> net, x, y, family = Example(GatedBlock, (5, 3), "").draw(seed=0)
    >>> x.shape, y.shape
    (torch.Size([5, 3]), torch.Size([5, 2]))
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    units: str

    def draw(self, seed: int) -> tuple[nn.Module, Tensor, Tensor, Units]:
        """(network, x, y, family), float64, normal, weights of variance 0.5; x of `shape`, y of any shape."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = self.build().double()
            for part in net.parameters():
                part.data = 0.5**0.5 * torch.randn_like(part)
            x = torch.randn(self.shape, dtype=torch.float64)
            y = torch.randn_like(net(x).detach())
        if isinstance(net, GatedBlock):
            return net, x, y, named(net, x, incoming=["gate", "up"], outgoing="down", kind="gated units")
        if isinstance(net, SharedKeys):
            return net, x, y, net.heads(x)
        return net, x, y, find(net)[self.units]


def _encoder(activation: str) -> nn.Module:
    return nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0, activation=activation, batch_first=True)


def _convolutions(pool: nn.Module) -> nn.Module:
    first = [nn.Conv2d(1, 2, 2), nn.Tanh(), pool, nn.Conv2d(2, 2, 2), nn.SiLU()]
    return nn.Sequential(*first, nn.Flatten(), nn.Linear(8, 1))


def _deep() -> nn.Module:
    hidden = [nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.Sigmoid(), nn.Linear(3, 2), nn.Tanh()]
    return nn.Sequential(*hidden, nn.Linear(2, 1))


def _normalised() -> nn.Module:
    first = [nn.Conv1d(1, 2, 2), nn.BatchNorm1d(2), nn.Tanh(), nn.AdaptiveAvgPool1d(2)]
    return nn.Sequential(*first, nn.Flatten(), nn.Linear(4, 1))


def _two_layer(sigma: nn.Module, width: int) -> nn.Module:
    return nn.Sequential(nn.Linear(2, width), sigma, nn.Linear(width, 2))


EXAMPLES: dict[str, Example] = {
    "neuron (tanh)": Example(lambda: _two_layer(nn.Tanh(), 3), (6, 2), "0"),
    "neuron (ReLU)": Example(lambda: _two_layer(nn.ReLU(), 4), (9, 2), "0"),
    "neuron, second of three layers": Example(_deep, (6, 2), "2"),
    "MLP neuron, residual block": Example(ResidualBlock, (7, 3), "mlp.0"),
    "MLP neuron, encoder layer": Example(lambda: _encoder("relu"), (4, 3, 4), "linear1"),
    "channel, average pooling": Example(lambda: _convolutions(nn.AvgPool2d(2)), (5, 1, 7, 7), "0"),
    "channel, max pooling": Example(lambda: _convolutions(nn.MaxPool2d(2)), (5, 1, 7, 7), "0"),
    "channel before a Flatten": Example(lambda: _convolutions(nn.MaxPool2d(2)), (5, 1, 7, 7), "3"),
    "channel, batch norm": Example(_normalised, (6, 1, 5), "0"),
    "gated unit (SwiGLU)": Example(GatedBlock, (6, 3), "gate"),
    "attention head": Example(lambda: _encoder("gelu"), (4, 3, 4), "self_attn.heads"),
    "attention head, causal mask": Example(CausalBlock, (4, 3, 4), "attention.heads"),
    "query head, shared keys": Example(SharedKeys, (4, 3, 3), "query.weight"),
    "value channel": Example(lambda: _encoder("gelu"), (4, 3, 4), "self_attn.head1.values"),
    "query-key channel": Example(lambda: _encoder("gelu"), (4, 3, 4), "self_attn.head0.keys"),
}
