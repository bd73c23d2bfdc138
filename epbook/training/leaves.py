"""The parameters of one network while Adam trains it, and their way to the disk and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epbook.given import Given
from epbook.given.modules import plain_modules
from epbook.networks import Layer
from epbook.training.sparse import SparseData

SPARSE = 0.3  # share of entries of x that are not 0, below which the first layer skips the others
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what PyTorch's Adam knows of each parameter


class Leaves:
    """The parameters of a network as leaves of autograd, the first weight transposed where x is sparse.

    all: weight and bias of each layer, where it has one; kept: copies of them, by step.
    Raises ValueError where every parameter is frozen.
    """

    def __init__(self, given: Given, lr: float) -> None:
        self.given = given
        self.kept: dict[int, list[Tensor]] = {}
        self.sparse = None
        if given.x.device.type == "cpu" and torch.count_nonzero(given.x) < SPARSE * given.x.numel():
            self.sparse = SparseData(given.x)
        linears = [module for _, module in plain_modules(given.original) if isinstance(module, nn.Linear)]
        self.all: list[Tensor] = []
        for index, (weight, bias, _) in enumerate(given.layers):
            if index == 0 and self.sparse is not None:
                weight = weight[:, self.sparse.columns].T.contiguous()
            self.all.append(weight.clone().requires_grad_(linears[index].weight.requires_grad))
            if bias is not None:
                self.all.append(bias.clone().requires_grad_(linears[index].bias.requires_grad))
        trained = [leaf for leaf in self.all if leaf.requires_grad]
        if not trained:
            raise ValueError("every parameter of net is frozen: free some with requires_grad_(True)")
        self.optimiser = torch.optim.Adam(trained, lr=lr, fused=True)

    def loss(self) -> Tensor:
        """The loss at the parameters as they are."""
        value, leaves = self.given.x, iter(self.all)
        for index, (_, bias, activation) in enumerate(self.given.layers):
            weight, shift = next(leaves), None if bias is None else next(leaves)
            if index == 0 and self.sparse is not None:
                z = self.sparse(weight) if shift is None else self.sparse(weight) + shift
                value = z if activation is None else activation(z)
            else:
                value = Layer(weight, shift, activation)(value)
        return self.given.loss(value, self.given.y)

    def step(self, loss: Tensor) -> None:
        """One step of Adam down a loss that `loss` has given."""
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()

    def keep(self, step: int) -> None:
        """Keep a copy of the parameters as they are."""
        self.kept[step] = [leaf.detach().clone() for leaf in self.all]

    def network(self, leaves: list[Tensor] | None = None) -> nn.Sequential:
        """A plain network, by default as it is now; weights of pixels that are always zero are as given."""
        built, values = [], iter(leaves or self.all)
        for index, (weight, bias, activation) in enumerate(self.given.layers):
            new = next(values).detach()
            if index == 0 and self.sparse is not None:
                full = weight.clone()
                full[:, self.sparse.columns] = new.T
                new = full
            built.append((new, None if bias is None else next(values).detach(), activation))
        return self.given.network(built)

    def arrays(self, losses: NDArray) -> dict[str, NDArray]:
        """The state before step len(losses), and the losses so far, as arrays under names for the store."""
        found = {"losses": losses, "kept": np.array(sorted(self.kept), dtype=np.int64)}
        for number, leaf in enumerate(self.all):
            found[f"leaf{number}"] = leaf.detach().cpu().numpy()
            for name, value in self.optimiser.state.get(leaf, {}).items():
                found[f"{name}{number}"] = value.cpu().numpy()
            for step, leaves in self.kept.items():
                found[f"kept{step}.{number}"] = leaves[number].cpu().numpy()
        return found

    def put_back(self, arrays: Mapping[str, NDArray]) -> NDArray:
        """Return to the state whose `arrays` these are; its losses."""

        def tensor(name: str) -> Tensor:
            return torch.from_numpy(arrays[name]).to(self.given.x.device)

        for number, leaf in enumerate(self.all):
            with torch.no_grad():
                leaf.copy_(tensor(f"leaf{number}"))
            if (
                f"{MOMENTS[0]}{number}" in arrays
            ):  # none before the first step, and none of a frozen parameter
                self.optimiser.state[leaf] = {name: tensor(f"{name}{number}") for name in MOMENTS}
        for step in map(int, arrays["kept"]):
            self.kept[step] = [tensor(f"kept{step}.{number}") for number in range(len(self.all))]
        return arrays["losses"]
