"""The state of a training run on disk: written whole, believed only where it fits."""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from epbook.given import layers


@dataclass(frozen=True)
class Checkpoint:
    """One file for one run; its name and its content carry a digest of everything the run depends on.

    path: None: nothing is stored. every: steps between two writes.
    """

    path: Path | None
    digest: str
    every: int = 500

    @classmethod
    def of(cls, folder: str | os.PathLike | None, net: nn.Sequential, x: Tensor, y: Tensor, settings: list):
        """The checkpoint of a run from `net` on (x, y); the code of this package is one of the settings."""
        if folder is None:
            return cls(None, "")
        digest = hashlib.sha256()
        for source in ("adam.py", "sparse.py", "checkpoint.py"):
            digest.update((Path(__file__).parent / source).read_bytes())
        digest.update(repr((torch.__version__, settings, net)).encode())
        tensors = [
            tensor for weight, bias, _ in layers(net) for tensor in (weight, bias) if tensor is not None
        ]
        for tensor in (*tensors, x, y):
            digest.update(repr((tensor.dtype, tuple(tensor.shape))).encode())
            digest.update(tensor.detach().contiguous().numpy().tobytes())
        name = digest.hexdigest()
        return cls(Path(folder) / f"adam-{name[:16]}.pt", name)

    def save(self, step: int, losses: np.ndarray, leaves: list[Tensor], optimiser, kept: dict) -> None:
        """Store the state at `step` and the losses of the steps before it, in one rename."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "digest": self.digest,
            "step": step,
            "losses": torch.from_numpy(losses[:step].copy()),
            "leaves": [leaf.detach() for leaf in leaves],
            "optimiser": optimiser.state_dict(),
            "kept": kept,
        }
        partial = self.path.with_suffix(f".{os.getpid()}.part")
        torch.save(state, partial)
        partial.replace(self.path)

    def load(self, leaves: list[Tensor], optimiser, losses: np.ndarray) -> tuple[int, dict]:
        """Put a stored state into place; returns its step and the states kept: (0, {}) for none."""
        if self.path is None or not self.path.exists():
            return 0, {}
        try:
            state = torch.load(self.path, weights_only=True)
            if state["digest"] != self.digest:
                raise ValueError("it belongs to another run")
            shapes = [leaf.shape for leaf in leaves]
            if [leaf.shape for leaf in state["leaves"]] != shapes or len(state["losses"]) != state["step"]:
                raise ValueError("its shapes do not fit")
            optimiser.load_state_dict(state["optimiser"])
        except Exception as error:  # torch.load raises whatever a damaged archive leads it to
            warnings.warn(f"{self.path} is not used and computed anew: {error}", stacklevel=4)
            return 0, {}
        with torch.no_grad():
            for leaf, stored in zip(leaves, state["leaves"], strict=True):
                leaf.copy_(stored)
        losses[: state["step"]] = state["losses"].numpy()
        return state["step"], state["kept"]
