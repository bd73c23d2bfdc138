"""One network cut at many thresholds, in every mode, beside pruning to the same width."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from epbook.losses import Loss, mse_loss
from epbook.progress import progress
from epbook.reduction.compare import labels, predicted
from epbook.reduction.groups import Groups
from epbook.reduction.merge import MODES
from epbook.reduction.prune import keep_only, magnitude_prune, refit
from epbook.reduction.reduce import reduce
from epbook.reduction.report import Report
from epbook.results import Result


@dataclass(frozen=True, eq=False)
class Cut(Result):
    """A network cut at one threshold; the dicts are by mode and by way of pruning to the same width.

    "pruning" keeps the neurons with the largest input weights, "one of each" the loudest of each group;
    "… refitted" fits the outgoing weights of what is left as the mode "least-squares" does.
    agreement: share of test inputs with the full network's prediction; accuracy: share classified rightly.
    Source: textbook section 1.4.
    """

    groups: Groups
    networks: dict[str, nn.Sequential]
    reports: dict[str, Report]
    agreement: dict[str, float]
    accuracy: dict[str, float]

    @property
    def threshold(self) -> float:
        """The similarity asked for."""
        return self.groups.threshold

    @property
    def width(self) -> int:
        """How many neurons are left."""
        return len(self.groups)


def sweep_similarity(
    net: nn.Sequential,
    x: Tensor,
    y: Tensor,
    *,
    thresholds: Iterable[float],
    x_test: Tensor,
    y_test: Tensor,
    layer: int = 0,
    loss: Loss = mse_loss,
    seed: int = 0,
) -> list[Cut]:
    """Reduce a hidden layer of a classifier at each threshold in each mode, and prune it to that width.

    agreement = #{x : argmax small(x) = argmax net(x)}/n over the test inputs.

    x (n, inputs), y (n, classes): for the fit and the reports; x_test (n, inputs), y_test ((n,) labels or
    one-hot): for agreement and accuracy. layer: which hidden layer. seed: draws the representatives. Raises
    ValueError as `reduce` and `accuracy` do. Source: textbook section 1.4, one threshold, 0.9.

    >>> import torch
    >>> from epbook.networks import two_layer
    >>> x = torch.randn(50, 3, dtype=torch.float64)
    >>> net = two_layer(3, 8, outputs=2, std=1.0)
    >>> [cut] = sweep_similarity(net, x, net(x), thresholds=[1.0], x_test=x, y_test=net(x).argmax(1))
    >>> cut.width, cut.agreement["mean"]
    (8, 1.0)
    """
    told, classes = predicted(net, x_test)
    right = labels(y_test, len(told), classes, told.device)
    cuts = []
    for threshold in progress(list(thresholds), label="thresholds"):
        networks, reports = {}, {}
        for mode in MODES:
            networks[mode], reports[mode] = reduce(
                net, x, y, similarity=threshold, mode=mode, layers=layer, loss=loss, seed=seed
            )
        found = reports[MODES[0]].layers[0].groups
        networks["pruning"] = magnitude_prune(net, len(found), layer=layer)
        loudest = [max(group, key=found.amplitude.__getitem__) for group in found.members]
        networks["one of each"] = keep_only(net, loudest, layer=layer)
        for name in ("pruning", "one of each"):
            networks[f"{name}, refitted"] = refit(networks[name], net, x, layer=layer)
        said = {name: predicted(small, x_test)[0] for name, small in networks.items()}
        cuts.append(
            Cut(
                groups=found,
                networks=networks,
                reports=reports,
                agreement={name: float((say == told).double().mean()) for name, say in said.items()},
                accuracy={name: float((say == right).double().mean()) for name, say in said.items()},
            )
        )
    return cuts
