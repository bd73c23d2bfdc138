"""On PYTHONPATH, this moves every normal random number of PyTorch and NumPy up by one unit in the last place.

The draws on which a start is made may differ by that much between two machines, since the logarithm and the
sine in them are those of the machine's own library.
"""

import functools

import numpy as np
import torch


class Moved(np.random.Generator):
    """A generator of NumPy whose normal numbers are moved."""

    def normal(self, *args, **kwargs):
        """As NumPy's."""
        return np.nextafter(super().normal(*args, **kwargs), np.inf)

    def standard_normal(self, *args, **kwargs):
        """As NumPy's."""
        return np.nextafter(super().standard_normal(*args, **kwargs), np.inf)


def moved_generator(seed=None):
    """As NumPy's default_rng."""
    return seed if isinstance(seed, np.random.Generator) else Moved(np.random.PCG64(seed))


def moved_randn(plain):
    """torch.randn with its numbers moved."""

    @functools.wraps(plain)
    def randn(*args, **kwargs):
        draw = plain(*args, **kwargs)
        with torch.no_grad():
            return torch.nextafter(draw, torch.full_like(draw, torch.inf)).requires_grad_(draw.requires_grad)

    return randn


np.random.default_rng = moved_generator
torch.randn = moved_randn(torch.randn)
