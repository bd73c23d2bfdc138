"""The picture of the README, the loss spectrum of section 1.1, computed with the settings of that chapter.

python tools/readme_picture.py    writes web/spectrum.png; minutes, or a moment after `make book`
"""

from pathlib import Path

import numpy as np

import epbook as ep

ROOT = Path(__file__).parents[1]
WIDTHS = [1, 2, 3, 4, 6, 8, 10, 15, 30, 60, 100, 200, 2000, 10_000]


def main() -> None:
    """Train, count and draw."""
    ep.page.use_style()
    x, y = ep.data.relu_teacher()
    # The chapter's own call, so that the nets which it has trained are found again.
    band, cache = (6.88e-4, 6.924e-4), ROOT / ".cache" / "training"
    runs = ep.train_many(WIDTHS, 100, x, y, steps=370_000, lr=0.05, keep_band=band, cache=cache)
    counts = np.stack([runs.spectrum(width) for width in WIDTHS])
    best = {m: min(runs.losses(m, seed)[1][-1] for seed in runs.seeds) for m in (1, 2)}
    levels = {"zero function": (y**2).mean().item(), "best of width 1": best[1], "best of width 2": best[2]}
    names = {name: np.log10(loss) for name, loss in levels.items()}
    figure = ep.figures.spectrum.loss_spectrum(WIDTHS, counts, runs.edges, names=names)
    figure.savefig(ROOT / "web" / "spectrum.png", metadata={"Software": None})


if __name__ == "__main__":
    main()
