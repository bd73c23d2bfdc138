"""`ep.find_critical` beside scipy.optimize.root, from a gradient of 1e-4 at 12 parameters; ratios of one run.

    python benchmarks/critical.py

Starts: isolated critical points (minima and saddles) of tanh nets of width 4 on the tanh data, moved so that
‖∇R‖₁ = 1e-4. SciPy's `hybr` and `lm` get our closed-form gradient and Hessian, so that only the methods and
what they do with the result differ; ours includes the model, PyTorch's own gradient and the verdict. Then the
float64 floor over several data sets and widths, and proofs of inertia by ball arithmetic.
"""

import time

import numpy as np
import torch
from scipy.optimize import root
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

import epbook as ep
from epbook.critical.collect import random_start
from epbook.critical.problem import Problem
from epbook.given import read


def fastest(function, rounds=15):
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - begin)
    return min(times), result


def near(point, x, y, rng):
    """The point's model, moved at random to ‖∇R‖₁ = 1e-4 (to first order)."""
    H = ep.hessian(point.model, x, y)
    direction = torch.from_numpy(rng.normal(size=len(H)))
    net = ep.sequential(ep.layers(point.model))
    theta = parameters_to_vector(net.parameters()).detach()
    vector_to_parameters(theta + 1e-4 * direction / (H @ direction).abs().sum(), net.parameters())
    return net


def speed(x, y, count=12):
    rng = np.random.default_rng(0)
    rows, number = [], 0
    while len(rows) < count:
        net = random_start(4, x, y, activation=nn.Tanh, seed=3, number=number)
        point, number = ep.find_critical(net, x, y), number + 1
        if point.status != "finite":
            continue
        start = near(point, x, y, rng)
        ours, found = fastest(lambda start=start: ep.find_critical(start, x, y))
        problem = Problem(read(start, x, y))
        evaluate = problem.evaluator.evaluate
        row = [ours, found.gradient_l1, found.status]
        for method in ("hybr", "lm"):
            seconds, result = fastest(
                lambda method=method, start=problem.start, evaluate=evaluate: root(
                    lambda t: evaluate(t, hessian=False)[1],
                    start,
                    jac=lambda t: evaluate(t)[2],
                    method=method,
                    tol=1e-15,
                )
            )
            row += [seconds, np.abs(evaluate(result.x, hessian=False)[1]).sum()]
        rows.append(row)
    return rows


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


def main():
    torch.set_num_threads(1)
    threadpool_limits(1)  # NumPy's BLAS
    x, y = ep.data.tanh_teacher()
    rows = speed(x, y)
    columns = [np.array([row[k] for row in rows], dtype=float) for k in (0, 1, 3, 4, 5, 6)]
    names = ("find_critical", "", "root(hybr)", "", "root(lm)", "")
    statuses = sorted({row[2] for row in rows})
    print(f"{len(rows)} starts at a gradient of 1e-4, 12 parameters; statuses {statuses}")
    for k in (0, 2, 4):
        ratio = np.median(columns[k] / columns[0])
        times, ends = 1e3 * columns[k], columns[k + 1]
        middle, slowest = np.median(times), times.max()
        print(f"{names[k]:14s} median {middle:6.2f} ms  slowest {slowest:6.2f} ms  {ratio:5.2f}x ours")
        print(f"{'':14s} gradient_l1 median {np.median(ends):.0e}, worst {ends.max():.0e}")
    finite, at_floor, worst = floor()
    print(f"{at_floor} of {finite} finite points at the float64 floor; worst gradient_l1 {worst:.1e}")
    H = ep.hessian(ep.two_layer(1, 20, activation=nn.Tanh, std=0.5), x, y)
    seconds, count = fastest(lambda: ep.inertia(H, certified=True), rounds=5)
    print(f"certified inertia of {len(H)} parameters: {1e3 * seconds:.0f} ms, {count}")


if __name__ == "__main__":
    main()
