"""The exact inertia law, and the inequality it implies, on true critical points of random nets."""

import numpy as np
from embedding_cases import KINDS, SMOOTH, at_critical_point, flat, gradient, random_net, random_step

import epbook as ep
from epbook.embedding import Plan, Split, split_law


def predicted(net, before, plan, x, y):
    """In H(θ) + Σ In Q over the splits of a plan, from the narrow net alone; the smallest |λ| of the Q."""
    count, smallest = np.array(before), np.inf
    for step in plan:
        law = split_law(net, x, y, layer=step.layer, neuron=step.neuron)
        added = law.added(step.fractions)
        size = np.sort(np.abs(np.linalg.eigvalsh(law.matrix(step.fractions))))
        smallest = min(smallest, *size[added.zero :], np.inf)
        count = count + np.array(added)
        net = Plan((step,))(net)
    return tuple(count.tolist()), smallest


def test_law_and_inequality_on_a_thousand_embeddings_of_critical_points():
    rng = np.random.default_rng(0)
    by_law, by_inequality, undecided = 0, 0, 0
    for case in range(460):
        net = random_net(rng, 2 + case % 3, 1 + (case // 3) % 3, SMOOTH[case % 5])
        x, y = at_critical_point(net, rng)
        assert flat(gradient(net, x, y)).abs().sum() < 1e-12
        before = ep.inertia(ep.hessian(net, x, y))
        for kind in ["split", "split", "k-way", KINDS[2 + case % 4]]:
            plan = random_step(kind, net, rng)
            if plan is None or not before.decided:
                continue
            after = ep.inertia(ep.hessian(plan(net), x, y))
            splits = all(isinstance(step, Split) for step in plan)
            expected, smallest = predicted(net, before, plan, x, y) if splits else (None, np.inf)
            # What float64 eigenvalues cannot tell from 0 proves nothing, for or against.
            if not after.decided or smallest < 1e-11 * max(map(abs, after.eigenvalues)):
                undecided += 1
                continue
            assert np.all(np.array(after) >= np.array(before)), (case, kind)
            by_inequality += 1
            if splits:
                assert tuple(after) == expected, (case, str(plan))
                by_law += 1
            if kind == "split":
                assert after.zero >= before.zero + 1, (case, str(plan))
    assert by_law >= 1000, (by_law, by_inequality, undecided)
    assert undecided < by_law / 5
