"""What a sweep is asked for: numbers of any library, and refusals that name the value."""

import numpy as np
import pytest
import torch
from torch import nn

import epbook as ep

NAN = torch.tensor([[0.0], [float("nan")]], dtype=torch.float64)
PAIR = torch.tensor([[0.0], [1.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": PAIR[:0]}, r"x must have shape \(points, dimensions\) and not be empty, got \(0, 1\)"),
        ({"x": PAIR[:, 0]}, r"got \(2,\)"),
        ({"x": NAN}, r"x\[1, 0\] is nan"),
        ({"y": NAN}, r"y\[1, 0\] is nan"),
        ({"y": PAIR[:1]}, "x has 2 rows but y has 1"),
        ({"widths": [3, 0]}, "widths must be a whole number of at least 1, got 0"),
        ({"widths": [2.5]}, "got 2.5"),
        ({"widths": [2, 2]}, "repeats"),
        ({"widths": []}, "widths is empty"),
        ({"seeds": [-1]}, "got -1"),
        ({"steps": 0}, "steps must be a whole number of at least 1, got 0"),
        ({"lr": 0.0}, "lr must be positive and finite, got 0.0"),
        ({"lr": float("nan")}, "got nan"),
        ({"activation": "swish"}, "unknown activation 'swish': known"),
        ({"activation": nn.Softmax}, r"no compiled gradient descent for Softmax.*train_adam"),
        ({"activation": nn.Softplus(2.0)}, r"no compiled gradient descent for Softplus\(beta=2.0"),
        ({"activation": nn.GELU("tanh")}, "no compiled gradient descent for GELU"),
        ({"activation": nn.LeakyReLU}, "no compiled gradient descent for LeakyReLU"),
        ({"activation": type("Tanh", (nn.Tanh,), {"forward": lambda self, z: z})}, "no compiled gradient"),
        ({"keep_at": [11]}, "keep_at asks for step 11, training ends at 10"),
        ({"keep_band": (2.0, 1.0)}, "keep_band"),
        ({"std": -1.0}, "std must be finite and not negative, got -1.0"),
        ({"std": lambda m: None}, "std must be finite and not negative, got None for width 2"),
        ({"x": PAIR * 1j}, "x must be real, got torch.complex128"),
        ({"x": None}, "x must be a table of numbers, got None"),
        ({"widths": 2}, "widths must be a collection of whole numbers, got 2"),
        ({"widths": [float("nan")]}, "widths must be a whole number of at least 1, got nan"),
        ({"widths": [True]}, "got True"),
        ({"seeds": True}, "seeds must be a whole number of at least 1, got True"),
        ({"seeds": 2.5}, "seeds must be a whole number of at least 1, got 2.5"),
        ({"seeds": [2**64]}, "seeds must be a whole number of at least 0"),
        ({"seeds": list(torch.tensor([2, 2]))}, "seeds repeats a value"),
        ({"lr": True}, "lr must be positive and finite, got True"),
        ({"lr": 10**400}, "lr must be positive and finite"),
        ({"keep_band": (0.1, 0.2, 0.3)}, "keep_band must be"),
        ({"keep_band": 0.1}, "keep_band must be"),
    ],
)
def test_bad_input(change, message):
    call = {"widths": [2], "seeds": [0], "x": PAIR, "y": PAIR, "steps": 10, "lr": 0.1, **change}
    with pytest.raises(ValueError, match=message):
        ep.train_many(**call)


def test_numbers_of_other_libraries_are_numbers(tmp_path):
    options = {"steps": np.int64(10), "lr": np.float32(0.5), "cache": tmp_path}
    one = ep.train_many([np.int32(2)], np.int64(2), PAIR, PAIR, keep_band=(np.float32(0), 1), **options)
    options |= {"steps": 10.0, "lr": torch.tensor(0.5), "keep_at": ()}
    two = ep.train_many([2.0], range(2), PAIR, PAIR, keep_band=torch.tensor([0.0, 1.0]), **options)
    assert one.seeds == two.seeds == (0, 1)
    assert len(list(tmp_path.iterdir())) == 2  # the second sweep has found the first one's
