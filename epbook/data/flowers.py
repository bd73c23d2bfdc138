"""Fisher's Iris flowers, from scikit-learn."""

from __future__ import annotations

import torch
from torch import Tensor

from epbook.extras import needs


def iris() -> tuple[Tensor, Tensor]:
    """The 150 Iris flowers: four standardised measurements, three one-hot species.

    x ← (x − mean) / std per column, std of the population (divided by n, not n − 1).

    Returns x of shape (150, 4), in standard deviations, and one-hot y of shape (150, 3), float64.
    Raises ImportError without scikit-learn (the extra `data`), with which the data come. Source: Fisher
    (1936); textbook section 1.3, figure 1.5(b).

    >>> x, y = iris()
    >>> x.shape, y.sum(dim=0).tolist()
    (torch.Size([150, 4]), [50.0, 50.0, 50.0])
    """
    with needs("data"):
        from sklearn.datasets import load_iris

    measured, species = load_iris(return_X_y=True)
    x = torch.as_tensor(measured, dtype=torch.float64)
    y = torch.nn.functional.one_hot(torch.as_tensor(species, dtype=torch.int64), num_classes=3)
    return (x - x.mean(dim=0)) / x.std(dim=0, correction=0), y.to(torch.float64)
