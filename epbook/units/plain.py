"""Whether a module computes what its class and its weights say: only then can it be read without data."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.utils import parametrize

from epbook.given.modules import refuse_hooks

# Modules whose numbers are split: a subclass may do something else with them.
_READ = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.MultiheadAttention,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
)


def unlike(path: str, module: nn.Module) -> str:
    """Why the weights of a module do not say what it computes, with the cure; nothing where they do.

    Source: PyTorch's hooks, parametrizations and subclasses.

    >>> unlike("0", nn.Linear(1, 1))
    ''
    >>> unlike("0", nn.LazyLinear(1))
    '0 is a LazyLinear: run the network once on data, then it is a plain Linear'
    """
    if isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params():
        name = type(module).__name__
        return f"{path} is a {name}: run the network once on data, then it is a plain {name[4:]}"
    if parametrize.is_parametrized(module):
        names = ", ".join(module.parametrizations)  # type: ignore[arg-type]
        return (
            f"{path} is parametrized ({names}): make it plain with "
            "torch.nn.utils.parametrize.remove_parametrizations"
        )
    try:
        refuse_hooks(path, module)
    except TypeError as error:
        return str(error)
    plain = type(module) in (*_READ, NonDynamicallyQuantizableLinear)  # the second is attention's output
    if isinstance(module, _READ) and not plain:
        return (
            f"{path}, {type(module).__name__}, is a subclass of PyTorch's and may compute something else: "
            "copy its weights into the plain module, or use named(...) with Parts"
        )
    return ""
