"""Sliders for the built page: native controls over pre-drawn frames, no kernel and no library."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from epbook.page.axis import Axis

_CONTROL = """\
<div class="ep-control">
<label for="{id}">{label}</label>
<span class="ep-value" style="min-width:{room}ch" aria-hidden="true">{text}</span>
<input id="{id}" type="range" min="0" max="{last}" step="1" value="{first}" autocomplete="off"
 aria-valuetext="{text}" data-texts="{texts}">
</div>"""

_PAGE = """\
<style>{style}</style>
<div class="ep-explore" id="{prefix}" role="group" aria-label="Explorable figure: {label}"
 data-alts="{alts}"{play}>
<div class="ep-picture">{svg}</div>
<div class="ep-controls">
<button type="button" class="ep-play" aria-label="Play {label}" aria-pressed="false"></button>
<div class="ep-sliders">
{controls}
</div>
</div>
</div>
<script>{script}</script>"""


def page(svg: str, axes: Sequence[Axis], alts: Sequence[str], *, prefix: str, play: bool) -> str:
    """HTML of one explorable figure, complete in itself: style, picture, controls, script.

    svg: from `figures.svg.inline`, frames in the order of itertools.product of the axes' values.
    alts: one text per frame, or one for all. Source: HTML's range input.

    >>> axis = Axis([1, 2], label="m")
    >>> page("<svg></svg>", [axis], ["A bar"], prefix="a", play=False).count("<input")
    1
    """
    controls = "\n".join(
        _CONTROL.format(
            id=f"{prefix}-s{index}",
            label=escape(axis.label),
            last=len(axis.values) - 1,
            first=axis.first,
            room=2 + max(map(len, axis.texts())),  # the slider stays where it is while the value changes
            text=escape(axis.texts()[axis.first]),
            texts=escape(json.dumps(axis.texts(), ensure_ascii=False)),
        )
        for index, axis in enumerate(axes)
    )
    return _PAGE.format(
        style=_asset("explore.css") + _asset("both.css"),
        script=_asset("explore.js"),
        prefix=prefix,
        label=escape(axes[0].label),
        alts=escape(json.dumps(list(alts) if len(set(alts)) > 1 else [], ensure_ascii=False)),
        play=' data-play=""' if play else "",
        svg=svg,
        controls=controls,
    )


def _asset(name: str) -> str:
    text = files("epbook.page").joinpath(name).read_text(encoding="utf-8")
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
