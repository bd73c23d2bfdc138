"""Attention whose heads may be of any number and any size, as they are after a split."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from epbook.units.plain import unlike


class Scores(nn.Module):
    """scale · Q Kᵀ of one head, (batch, queries, keys): the sum over its query-key channels.

    Σ_c (q_c·x̃)(k_c·x̃′). Source: Vaswani et al. 2017, section 3.2.
    """

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        return self.scale * (query @ key.transpose(-2, -1))

    def extra_repr(self) -> str:
        return f"scale={self.scale:.6g}"


class Attention(nn.Module):
    """out(concat_h softmax(scale_h Q_h K_hᵀ) V_h): what `nn.MultiheadAttention` computes, one head at a time.

    There all heads have d_model / heads channels, so that no head and no channel can be added. Here head h
    has key_sizes[h] query-key channels and value_sizes[h] value channels, and keeps its scale whatever
    becomes of its size. Called as `nn.MultiheadAttention` is; returns (output, None), the weights of the
    heads are not kept. Stands in for it in `nn.TransformerEncoderLayer`.
    Source: Vaswani et al. 2017, section 3.2.

    >>> query, key, value, out = (nn.Linear(4, 4) for _ in range(4))
    >>> heads = Attention(query, key, value, out, key_sizes=[1, 3], value_sizes=[2, 2], scales=[1.0, 0.5])
    >>> heads(torch.ones(2, 5, 4))[0].shape
    torch.Size([2, 5, 4])
    """

    # PyTorch's encoder layers look at these to choose their fused kernels, which know equal heads only.
    in_proj_weight = None
    in_proj_bias = None
    _qkv_same_embed_dim = False

    def __init__(
        self,
        query: nn.Linear,
        key: nn.Linear,
        value: nn.Linear,
        out: nn.Linear,
        *,
        key_sizes: Sequence[int],
        value_sizes: Sequence[int],
        scales: Sequence[float],
        batch_first: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = query, key, value, out
        self.key_sizes, self.value_sizes = list(key_sizes), list(value_sizes)
        self.scores = nn.ModuleList(Scores(scale) for scale in scales)
        self.batch_first, self.dropout = batch_first, dropout

    @property
    def num_heads(self) -> int:
        """How many heads there are."""
        return len(self.scores)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = False,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, None]:
        """(output, None), as `nn.MultiheadAttention` without weights; query and output: (n, t, d)."""
        key = query if key is None else key
        value = key if value is None else value
        turned = query.ndim == 3 and not self.batch_first
        if turned:
            query, key, value = (each.transpose(0, 1) for each in (query, key, value))
        mask = _added(attn_mask, query) + _added(key_padding_mask, query).unsqueeze(-2)
        if is_causal and attn_mask is None:
            mask = mask + _added(torch.ones(query.shape[-2], key.shape[-2]).triu(1).bool(), query)
        split = [
            torch.split(self.query(query), self.key_sizes, dim=-1),
            torch.split(self.key(key), self.key_sizes, dim=-1),
            torch.split(self.value(value), self.value_sizes, dim=-1),
        ]
        heads = [
            torch.softmax(scores(q, k) + mask, dim=-1) @ v
            for scores, q, k, v in zip(self.scores, *split, strict=True)
        ]
        output = self.out(torch.cat(heads, dim=-1))
        return (output.transpose(0, 1) if turned else output), None


def plain_attention(given: nn.MultiheadAttention) -> Attention:
    """An `nn.MultiheadAttention` as an `Attention` with the same values.

    Raises TypeError where it adds keys and values of its own (add_bias_kv, add_zero_attn), or computes
    something else than its class says (hooks, parametrizations, a subclass).
    Source: the code of torch.nn.functional.multi_head_attention_forward.

    >>> net = nn.MultiheadAttention(4, 2, batch_first=True)
    >>> x = torch.randn(1, 3, 4)
    >>> torch.allclose(net(x, x, x)[0], plain_attention(net)(x)[0], atol=1e-6)
    True
    """
    if given.bias_k is not None or given.add_zero_attn:
        raise TypeError("attention with add_bias_kv or add_zero_attn is not read: build it without")
    reason = unlike("the attention", given) or unlike("its out_proj", given.out_proj)
    if reason:
        raise TypeError(reason)
    width = given.embed_dim
    if given._qkv_same_embed_dim:
        weights = torch.split(given.in_proj_weight.detach(), width)
    else:
        weights = tuple(w.detach() for w in (given.q_proj_weight, given.k_proj_weight, given.v_proj_weight))
    biases = (None,) * 3 if given.in_proj_bias is None else torch.split(given.in_proj_bias.detach(), width)
    query, key, value = (_linear(W, b) for W, b in zip(weights, biases, strict=True))
    out = given.out_proj
    size, heads = given.head_dim, given.num_heads
    found = Attention(
        query,
        key,
        value,
        _linear(out.weight.detach(), None if out.bias is None else out.bias.detach()),
        key_sizes=[size] * heads,
        value_sizes=[size] * heads,
        scales=[size**-0.5] * heads,
        batch_first=given.batch_first,
        dropout=given.dropout,
    )
    frozen = not any(part.requires_grad for part in given.parameters())
    return found.requires_grad_(not frozen).train(given.training)


def with_plain_attention(net: nn.Module, only: str | None = None) -> nn.Module:
    """The network with every nn.MultiheadAttention in it (or the one named) replaced, in place.

    Source: `plain_attention`.

    >>> type(with_plain_attention(nn.Sequential(nn.MultiheadAttention(4, 2)))[0]).__name__
    'Attention'
    """
    if isinstance(net, nn.MultiheadAttention):
        return plain_attention(net)
    for path, module in list(net.named_modules()):
        if isinstance(module, nn.MultiheadAttention) and only in (None, path):
            parent, _, name = path.rpartition(".")
            setattr(net.get_submodule(parent), name, plain_attention(module))
            for outer in net.modules():
                if isinstance(outer, nn.TransformerEncoder):
                    outer.use_nested_tensor = False  # packed sequences are for PyTorch's own attention
    return net


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    made.weight = nn.Parameter(weight.clone())
    if bias is not None:
        made.bias = nn.Parameter(bias.clone())
    return made


def _added(mask: Tensor | None, like: Tensor) -> Tensor:
    """A mask as numbers to add to the scores; True means: not looked at."""
    if mask is None:
        return like.new_zeros(1)
    if mask.ndim > 2:
        raise ValueError("a mask for each head is not read: heads are exchangeable only under one mask")
    if mask.dtype is torch.bool:
        return like.new_zeros(mask.shape).masked_fill(mask, -torch.inf)
    return mask.to(like)
