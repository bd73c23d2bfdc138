"""One network cut at many thresholds, in every mode, beside plain pruning at the same width."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from epbook.progress import progress
from epbook.reduction.compare import magnitude_prune
from epbook.reduction.groups import Groups
from epbook.reduction.reduce import MODES, reduce
from epbook.reduction.report import Report


@dataclass(frozen=True)
class Cut:
    """A network cut at one threshold; the dicts are by mode, with "pruning" for magnitude pruning.

    agreement: share of test inputs with the full network's prediction; accuracy: share classified rightly.
    """

    threshold: float
    width: int
    groups: Groups
    networks: dict[str, nn.Sequential]
    reports: dict[str, Report]
    agreement: dict[str, float]
    accuracy: dict[str, float]


def sweep_similarity(
    net: nn.Sequential,
    thresholds: Iterable[float],
    x: Tensor,
    y: Tensor,
    x_test: Tensor,
    y_test: Tensor,
    *,
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.mse_loss,
    seed: int = 0,
) -> list[Cut]:
    """Reduce a two-layer classifier at each threshold in each mode, and prune it to the same width.

    agreement = #{x : argmax small(x) = argmax net(x)}/n over the test inputs.

    x, y: the data for the fit and the reports; x_test, y_test (one-hot): for agreement and accuracy.
    seed: draws the representatives. Raises ValueError as `reduce` does.
    Source: chapter section 1.4, which gives one threshold, 0.9.

    >>> from epbook.networks import two_layer
    >>> x = torch.randn(50, 3, dtype=torch.float64)
    >>> net = two_layer(3, 8, outputs=2, std=1.0)
    >>> [cut] = sweep_similarity(net, [1.0], x, net(x), x, torch.eye(2)[net(x).argmax(1)])
    >>> cut.width, cut.agreement["mean"]
    (8, 1.0)
    """
    with torch.no_grad():
        told, right = net(x_test).argmax(dim=1), y_test.argmax(dim=1)
    cuts = []
    for threshold in progress(list(thresholds), label="thresholds"):
        networks, reports = {}, {}
        for mode in MODES:
            networks[mode], reports[mode] = reduce(net, threshold, mode=mode, x=x, y=y, loss=loss, seed=seed)
        found = reports[MODES[0]].layers[0].groups
        networks["pruning"] = magnitude_prune(net, len(found))
        with torch.no_grad():
            said = {name: small(x_test).argmax(dim=1) for name, small in networks.items()}
        cuts.append(
            Cut(
                threshold=float(threshold),
                width=len(found),
                groups=found,
                networks=networks,
                reports=reports,
                agreement={name: float((say == told).double().mean()) for name, say in said.items()},
                accuracy={name: float((say == right).double().mean()) for name, say in said.items()},
            )
        )
    return cuts
