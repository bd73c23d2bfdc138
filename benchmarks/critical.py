"""The search for critical points: `ep.find_critical` beside scipy.optimize.root.

Starts: isolated critical points (minima and saddles) of tanh networks of width 4 on the tanh data, moved so
that ‖∇R‖₁ = 1e-4; processor time of one search, in the median over them. SciPy's `hybr` and `lm` get our
closed-form gradient and Hessian, so that only the methods differ, and what they do with the result: ours
includes the network, PyTorch's own gradient and the verdict. ‖∇R‖₁ is the largest with which a search ends.
Then points over data sets and widths, and how many of them end at the rounding of float64; and the time of a
proof of inertia by ball arithmetic.
"""

import numpy as np
import torch
from rows import fastest, main, row
from scipy.optimize import root
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import epbook as ep
from epbook.critical.collect import random_start
from epbook.critical.problem import Problem
from epbook.given import read


def near(point, x, y, rng):
    """The point's model, moved at random to ‖∇R‖₁ = 1e-4 (to first order)."""
    H = ep.hessian(point.model, x, y)
    direction = torch.from_numpy(rng.normal(size=len(H)))
    net = ep.sequential(ep.layers(point.model))
    theta = parameters_to_vector(net.parameters()).detach()
    vector_to_parameters(theta + 1e-4 * direction / (H @ direction).abs().sum(), net.parameters())
    return net


def speed(x, y, count=12):
    """Seconds of each tool and the gradient it ends with, over the starts."""
    rng = np.random.default_rng(0)
    seconds, ends, number = [], [], 0
    while len(seconds) < count:
        net = random_start(4, x, y, activation=nn.Tanh, seed=3, number=number)
        point, number = ep.find_critical(net, x, y), number + 1
        if point.status != "finite":
            continue
        start = near(point, x, y, rng)
        problem = Problem(read(start, x, y))
        evaluate = problem.evaluator.evaluate

        def by_scipy(method, start=problem.start, evaluate=evaluate):
            return root(
                lambda t: evaluate(t, hessian=False)[1],
                start,
                jac=lambda t: evaluate(t)[2],
                method=method,
                tol=1e-15,
            ).x

        tools = {"find_critical": lambda start=start: ep.find_critical(start, x, y)}
        tools |= {f"root({name})": lambda name=name, call=by_scipy: call(name) for name in ("hybr", "lm")}
        seconds.append(fastest(tools, rounds=3))
        scipys = [np.abs(evaluate(by_scipy(name), hessian=False)[1]).sum() for name in ("hybr", "lm")]
        ends.append([ep.find_critical(start, x, y).gradient_l1, *scipys])
    median = {name: float(np.median([each[name] for each in seconds])) for name in seconds[0]}
    return median, dict(zip(median, np.max(ends, axis=0), strict=True))


def floor(count=15):
    """Finite points over widths, activations and data sets, and those whose gradient is at the floor."""
    line = torch.linspace(-1, 1, 17, dtype=torch.float64)[:, None]
    sets = {
        "tanh": ep.data.tanh_teacher(),
        "relu": ep.data.relu_teacher(),
        "cos 3x": (line, torch.cos(3 * line)),
    }
    finite = at_floor = worst = 0
    for x, y in sets.values():
        for activation in (nn.Tanh, nn.Sigmoid):
            for width in (1, 2, 3, 4):
                for number in range(count):
                    net = random_start(width, x, y, activation=activation, seed=9, number=number)
                    point = ep.find_critical(net, x, y)
                    if point.status == "finite":
                        finite += 1
                        at_floor += point.gradient_l1 <= 10 * point.floor
                        worst = max(worst, point.gradient_l1)
    return finite, at_floor, worst


def measure():
    torch.set_num_threads(1)
    threadpool_limits(1)  # NumPy's BLAS
    x, y = ep.data.tanh_teacher()
    seconds, worst = speed(x, y)
    ends = {f"‖∇R‖₁, {name}": f"{end:.0e}" for name, end in worst.items()}
    yield row({"what": "from ‖∇R‖₁ = 1e-4, 12 parameters"}, seconds, ends)
    finite, at_floor, end = floor()
    also = {
        "at the rounding of float64": f"{at_floor} of {finite}",
        "‖∇R‖₁, find_critical": f"{end:.0e}",
    }
    yield row({"what": "random starts, 3 data sets, 2 activations, widths 1 to 4"}, {}, also)
    H = ep.hessian(ep.two_layer(1, 20, activation=nn.Tanh, std=0.5), x, y)
    proof = fastest({"inertia(certified=True)": lambda: ep.inertia(H, certified=True)}, rounds=3)
    yield row({"what": f"proof of the inertia of {len(H)} parameters"}, proof)


if __name__ == "__main__":
    main(measure)
