"""Which data and losses a reader may bring: each of this table is read right, or refused with the cure.

Right means: the Hessian is that of the loss by PyTorch's own double backward, on the data in float64.
"""

import copy

import numpy as np
import pytest
import torch
from given_cases import N, data, mlp
from torch import nn

import epbook as ep
from epbook.given import differentiable, read


def huber(delta):
    return nn.HuberLoss(delta=delta)


def square_of_differences(output, target):
    return (output - target).square().sum()


LABELS = torch.tensor([0, 1, 1, 0, 1, 0, 0])
# name: (outputs, change of (x, y), loss)
DATA_RIGHT = {
    "float32 data": (1, lambda x, y: (x.float(), y.float()), nn.functional.mse_loss),
    "mixed types": (1, lambda x, y: (x.float(), y), nn.functional.mse_loss),
    "NumPy": (1, lambda x, y: (x.numpy(), y.numpy()), nn.functional.mse_loss),
    "whole numbers": (1, lambda x, y: ((10 * x).long(), (10 * y).long()), nn.functional.mse_loss),
    "x asks for gradients": (1, lambda x, y: (x.clone().requires_grad_(True), y), nn.MSELoss()),
    "not contiguous": (1, lambda x, y: (x.T.contiguous().T, y), nn.MSELoss()),
    "one sample": (1, lambda x, y: (x[:1], y[:1]), nn.MSELoss()),
    "sum": (1, lambda x, y: (x, y), nn.MSELoss(reduction="sum")),
    "Huber": (1, lambda x, y: (x, y), huber(0.3)),
    "a function": (2, lambda x, y: (x, y), square_of_differences),
    "labels": (2, lambda x, y: (x, LABELS), nn.functional.cross_entropy),
    "labels, float32 class weights": (
        2,
        lambda x, y: (x, LABELS),
        nn.CrossEntropyLoss(weight=torch.tensor([0.3, 0.7])),
    ),
    "class probabilities": (2, lambda x, y: (x, y.softmax(1)), nn.CrossEntropyLoss(label_smoothing=0.1)),
    "yes or no": (1, lambda x, y: (x, y > 0), nn.functional.binary_cross_entropy_with_logits),
    "huge units": (1, lambda x, y: (1e9 * x, 1e9 * y), nn.MSELoss()),
}
DATA_REFUSED = {
    "y of shape (n,)": (1, lambda x, y: (x, y[:, 0]), nn.MSELoss(), ValueError, r"Use y\[:, None\]"),
    "y of shape (n,), Huber": (1, lambda x, y: (x, y[:, 0]), huber(1.0), ValueError, r"Use y\[:, None\]"),
    "y of shape (n,), own": (
        1,
        lambda x, y: (x, y[:, 0]),
        square_of_differences,
        ValueError,
        "every output with every target",
    ),
    "whole y of shape (n,), own": (
        1,
        lambda x, y: (x, LABELS),
        square_of_differences,
        ValueError,
        "every output with every target",
    ),
    "y of one row": (1, lambda x, y: (x, y[:1]), square_of_differences, ValueError, "must be of shape"),
    "y of one column": (2, lambda x, y: (x, y[:, :1]), nn.L1Loss(), ValueError, "must be of shape"),
    "labels out of range": (
        2,
        lambda x, y: (x, LABELS + 5),
        nn.functional.cross_entropy,
        ValueError,
        "the loss cannot compare",
    ),
    "x of one dimension": (1, lambda x, y: (x[:, 0], y), nn.MSELoss(), ValueError, r"shape \(n, 2\)"),
    "images": (1, lambda x, y: (x[:, :, None], y), nn.MSELoss(), ValueError, r"x.flatten\(1\)"),
    "x of three columns": (1, lambda x, y: (torch.ones(N, 3), y), nn.MSELoss(), ValueError, r"\(n, 2\)"),
    "no sample": (1, lambda x, y: (x[:0], y[:0]), nn.MSELoss(), ValueError, r"got \(0, 2\)"),
    "NaN in x": (1, lambda x, y: (x / 0 * 0, y), nn.MSELoss(), ValueError, r"x holds nan at \[0, 0\]"),
    "infinity in y": (1, lambda x, y: (x, y / 0), nn.MSELoss(), ValueError, "y holds -?inf"),
    "complex x": (1, lambda x, y: (x + 0j, y), nn.MSELoss(), TypeError, "complex128"),
    "sparse x": (1, lambda x, y: (x.to_sparse(), y), nn.MSELoss(), TypeError, "dense"),
    "lists": (1, lambda x, y: (x.tolist(), y), nn.MSELoss(), TypeError, "got list"),
    "a loader": (
        1,
        lambda x, y: (torch.utils.data.DataLoader(x), y),
        nn.MSELoss(),
        TypeError,
        r"got DataLoader: put its batches together first, x, y = map\(torch.cat, zip\(\*loader\)\)",
    ),
    "a data set": (
        1,
        lambda x, y: (torch.utils.data.TensorDataset(x, y), y),
        nn.MSELoss(),
        TypeError,
        "stack",
    ),
    "labels to be compared": (3, lambda x, y: (x, LABELS), nn.MSELoss(), ValueError, "cross_entropy"),
    "a loss by name": (1, lambda x, y: (x, y), "mse", TypeError, "must be a function .* got 'mse'"),
    "y alone": (1, lambda x, y: (None, y), nn.MSELoss(), ValueError, "y was given without x"),
    "text": (1, lambda x, y: (np.array([["a", "b"]]), y), nn.MSELoss(), TypeError, "got ndarray"),
    "reduction none": (
        1,
        lambda x, y: (x, y),
        nn.HuberLoss(reduction="none"),
        ValueError,
        "must give one number, got shape",
    ),
    "a loss that gives a float": (
        1,
        lambda x, y: (x, y),
        lambda f, y: 1.0,
        ValueError,
        "one number, got 1.0",
    ),
}


@pytest.mark.parametrize("name", DATA_RIGHT)
def test_data_that_are_read_right(name):
    outputs, change, loss = DATA_RIGHT[name]
    net = mlp(outputs=outputs)
    x, y = change(*data(outputs=outputs))
    H = ep.hessian(net, x, y, loss=loss)
    x64 = torch.as_tensor(x).detach().double()
    y64 = torch.as_tensor(y)
    y64 = y64 if y64 is LABELS else y64.double()
    loss = copy.deepcopy(loss).double() if isinstance(loss, nn.Module) else loss
    names = [name for name, _ in net.named_parameters()]
    shapes = [part.shape for part in net.parameters()]
    sizes = [part.numel() for part in net.parameters()]

    def at(theta):
        parts = [p.view(s) for p, s in zip(theta.split(sizes), shapes, strict=True)]
        return loss(torch.func.functional_call(net, dict(zip(names, parts, strict=True)), (x64,)), y64)

    expected = torch.autograd.functional.hessian(at, nn.utils.parameters_to_vector(net.parameters()).detach())
    assert torch.allclose(H, expected, rtol=1e-9, atol=1e-11 * float(expected.abs().max()))


@pytest.mark.parametrize("name", DATA_REFUSED)
def test_data_that_are_refused_with_the_cure(name):
    outputs, change, loss, error, message = DATA_REFUSED[name]
    with pytest.raises(error, match=message):
        read(mlp(outputs=outputs), *change(*data(outputs=outputs)), loss=loss)


def test_the_table_is_long():
    assert len(DATA_RIGHT) + len(DATA_REFUSED) >= 36


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_what_is_switched_off_outside_does_not_matter(around):
    net = mlp()
    with around():
        x, y = data()
        H = ep.hessian(net, x + 0, y + 0)
        point = ep.find_critical(net, x + 0, y + 0, steps=3)
        with differentiable():
            assert (torch.ones(1, requires_grad=True) * 2).requires_grad
    assert torch.equal(H, ep.hessian(net, x.clone(), y.clone()))
    assert point.model[0].weight.requires_grad


def test_data_elsewhere_than_the_network_are_refused():
    x, y = data()
    with pytest.raises(ValueError, match="x is on meta, the network on cpu"):
        read(mlp(), x.to("meta"), y)
