"""One contract for all public functions: the same names in the same order, and the same data read alike."""

from __future__ import annotations

import _thread
import inspect
import threading
import time

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import epbook as ep
from epbook import critical, embedding, growing, neurons, reduction, training, units

ROOMS = (critical, embedding, embedding.plan, growing, neurons, reduction, training, units)
FUNCTIONS = {
    f"{room.__name__}.{name}": thing
    for room in ROOMS
    for name in getattr(room, "__all__", vars(room))
    if inspect.isfunction(thing := getattr(room, name)) and not name.startswith("_")
}
# What else a function may be about, beside a network and data: given by place, and never left out.
SUBJECTS = {
    "H", "alphas", "count", "factor", "fractions", "kept", "maps", "narrow", "neurons", "order", "plan",
    "runs", "seeds", "small", "wide", "width", "widths",
}  # fmt: skip
# What works on matrices and neurons that were read already.
INNER = {
    "clusters", "coefficient", "distance", "equal_up_to", "law_matrices", "lengths", "mean_neuron", "unit",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name.split(".")[-1] not in INNER])
def test_network_and_data_come_first_under_one_name_and_options_by_keyword(name):
    parameters = inspect.signature(FUNCTIONS[name]).parameters.values()
    placed = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert {*placed} <= {"net", "x", "y"} | SUBJECTS
    data = [each for each in placed if each in ("net", "x", "y")]
    assert data == sorted(data)  # net, x, y
    if "net" in placed and "small" not in placed:
        assert placed[0] == "net"
    optional = {each.name for each in parameters if each.default is not each.empty} & {*placed}
    assert optional <= {"x", "y", "widths"}
    assert not {each.name for each in parameters} & {"model", "network", "store", "keep", "return_plan"}


X = torch.linspace(-1, 1, 9)[:, None]
DATA = X, torch.sin(3 * X)  # float32, so that every form below has the same numbers
NET = ep.two_layer(1, 2, activation=nn.Tanh, std=1.0, seed=3)
CALLS = {
    "hessian": lambda x, y: ep.hessian(NET, x, y),
    "find_critical": lambda x, y: ep.find_critical(NET, x, y, steps=3),
    "find_critical_points": lambda x, y: critical.find_critical_points(1, x, y, starts=2),
    "gradient_flow": lambda x, y: ep.gradient_flow(NET, x, y, time=0.1, points=3),
    "critical_targets": lambda x, y: critical.critical_targets(NET, x),
    "flat_volume": lambda x, y: critical.flat_volume(NET, x, y, particles=40, deepest=0.2),
    "relu_minima": lambda x, y: critical.relu_minima(x, y, pieces=1),
    "fit": lambda x, y: growing.fit(NET, x, y, steps=3),
    "steepest_split": lambda x, y: growing.steepest_split(NET, x, y),
    "grow": lambda x, y: ep.grow(NET, x, y, width=3, steps=3),
    "split_law": lambda x, y: ep.split_law(NET, x, y),
    "split_inertia": lambda x, y: ep.split_inertia(NET, x, y, alpha=0.3),
    "nearest_embedded": lambda x, y: embedding.nearest_embedded(ep.embed(NET, 4), NET, x=x),
    "reduce": lambda x, y: ep.reduce(NET, x, y, similarity=0.1)[1],
    "units.split_law": lambda x, y: units.split_law(NET, x, y),
    "units.verify": lambda x, y: units.verify(NET, x, y, [(0.3, 0.7)]),
    "units.reduce": lambda x, y: units.reduce(NET, x, y, similarity=0.1)[1],
    "train_adam": lambda x, y: training.train_adam(NET, x, y, steps=2),
    "train_many": lambda x, y: ep.train_many([2], 1, x, y, steps=2, lr=0.1, jobs=1),
    "escape_time": lambda x, y: training.escape_time(NET, x, y, below=1e-9, lr=0.1, steps=2),
}
FORMS = {
    "mixed types": lambda x, y: (x.double(), y),
    "NumPy": lambda x, y: (x.numpy(), y.double().numpy()),
    "x asks for gradients": lambda x, y: (x.clone().requires_grad_(True), y),
    "not contiguous": lambda x, y: (torch.stack([x, y], dim=1)[:, 0], y),
}


@pytest.fixture(scope="module")
def expected():
    x, y = (part.double() for part in DATA)
    return {name: call(x, y) for name, call in CALLS.items()}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CALLS)
def test_data_of_every_form_are_the_same_data(name, form, expected):
    assert ep.results.equal(CALLS[name](*FORMS[form](*DATA)), expected[name])


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", CALLS)
def test_autograd_may_be_off_outside(name, around, expected):
    with around():
        found = CALLS[name](*(part + 0 for part in DATA))
    assert ep.results.equal(found, expected[name])


@pytest.mark.parametrize("name", CALLS)
def test_a_data_loader_and_a_column_without_its_axis_are_refused(name):
    x, y = DATA
    with pytest.raises((TypeError, ValueError), match="got DataLoader: put its batches together first"):
        CALLS[name](DataLoader(TensorDataset(x, y)), y)
    if name not in ("critical_targets", "nearest_embedded"):  # they take no y
        with pytest.raises(ValueError, match=r"\(9,\)"):
            CALLS[name](x, y[:, 0])


WIDE = ep.two_layer(1, 30, activation=nn.Tanh, std=0.5)
# Long work in Python, PyTorch and compiled code; `relu_minima` and `train_many` have tests of their own.
ENDLESS = {
    "fit": lambda x, y: growing.fit(WIDE, x, y, optimiser="Adam", steps=10**8),
    "grow": lambda x, y: ep.grow(WIDE, x, y, width=60, by="look-ahead", steps=10**6),
    "escape_time": lambda x, y: training.escape_time(WIDE, x, y, below=1e-300, lr=1e-9, steps=10**10),
    "train_adam": lambda x, y: training.train_adam(WIDE, x, y, steps=10**7),
    "find_critical_points": lambda x, y: critical.find_critical_points(3, x, y, starts=10**6),
    "flat_volume": lambda x, y: critical.flat_volume(WIDE, x, y, particles=30_000, deepest=1e-300),
    "nearest_embedded": lambda x, y: embedding.nearest_embedded(ep.embed(WIDE, 90), WIDE, starts=10**6),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_control_c_is_heard(name):
    sent = []

    def interrupt():
        sent.append(time.monotonic())
        _thread.interrupt_main()

    CALLS[name](*DATA)  # what has to be compiled, and what is imported late
    timer = threading.Timer(0.3, interrupt)

    def work():
        timer.start()
        try:
            ENDLESS[name](*DATA)
        finally:
            timer.cancel()  # an end before its time must not interrupt what comes after this test

    with pytest.raises(KeyboardInterrupt):
        work()
    assert time.monotonic() - sent[0] < 2
