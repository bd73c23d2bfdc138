"""Run the campaign and print what the finder said and what was wrong.

python -m tools.campaign                         8,064 starts, about 15 minutes of one core
python -m tools.campaign --starts 300            fewer
python -m tools.campaign --minutes 5             as many as there is time for

Exits with 1 where a verdict is wrong, with 2 where the time did not suffice for all starts.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

import torch

from epbook.progress import progress
from tools.campaign.cases import ACTIVATIONS, cases, data_sets
from tools.campaign.trial import Trial, trial

STATUSES = ("finite", "diverging", "saturated", "not converged")


def run(starts: int, *, minutes: float = 60.0, every: int = 3) -> list[Trial]:
    """Trials in an order that mixes everything; of those not called finite every so many are followed."""
    order = torch.randperm(starts, generator=torch.Generator().manual_seed(0)).tolist()
    plan, sets, end, done = list(cases(starts)), data_sets(), time.monotonic() + 60 * minutes, []
    for count, index in enumerate(progress(order, label="campaign")):
        if time.monotonic() > end:
            break
        done.append(trial(plan[index], *sets[plan[index].data], others=count % every == 0))
    return done


def table(trials: list[Trial]) -> str:
    """Statuses by activation, and how many were followed by the exact Newton."""
    lines = [
        f"{'':10s}" + "".join(f"{status:>15s}" for status in STATUSES) + f"{'followed':>12s}{'wrong':>8s}"
    ]
    for kind in (*ACTIVATIONS, None):
        mine = [t for t in trials if kind is None or t.case.activation is kind]
        seen = Counter(t.status for t in mine)
        followed, wrong = sum(t.outcome is not None for t in mine), sum(bool(t.wrong) for t in mine)
        name = "all" if kind is None else kind.__name__
        lines.append(
            f"{name:10s}" + "".join(f"{seen[s]:15d}" for s in STATUSES) + f"{followed:12d}{wrong:8d}"
        )
    moved = [t.outcome.moved for t in trials if t.status == "finite" and not t.wrong]
    lines.append(f"finite points are off by at most {max(moved, default=0):.1e}, in units of the data")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--starts", type=int, default=8064)
    parser.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    trials = run(options.starts, minutes=options.minutes)
    wrong = [t for t in trials if t.wrong]
    for t in wrong:
        print(f"WRONG, {t.wrong}: {t.case}\n  {t.status}: {t.reason}\n  {t.outcome}")
    print(table(trials))
    kinds = Counter(t.wrong for t in wrong)
    print(
        f"{len(trials)} starts: {kinds['at infinity']} finite points at infinity, "
        f"{kinds['not critical']} not critical, {len(wrong) - kinds['at infinity'] - kinds['not critical']} "
        "critical points called diverging or saturated"
    )
    return 1 if wrong else 2 if len(trials) < options.starts else 0


if __name__ == "__main__":
    sys.exit(main())
