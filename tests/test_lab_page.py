"""The laboratory as a reader has it: from the disk, by mouse, touch and keys, with what can go wrong."""

import gzip
import json

import matplotlib
import pytest
import torch
from lab_cases import document

import epbook as ep
from conftest import Watch

pytestmark = pytest.mark.site
READY = "document.querySelector('.ep-lab-live')?.dataset.lines === '3'"
SAYS = "document.querySelector('.ep-lab-says').textContent"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pages with one figure each, on the disk."""
    folder = tmp_path_factory.mktemp("lab")
    with matplotlib.rc_context():
        ep.page.use_style()  # as on every page
        yield folder, *_written(folder)


def _written(folder):
    """The pages in the folder: the net that is split, and what was shown, by name."""
    x, y = ep.data.relu_teacher()
    tanh = ep.data.tanh_teacher()
    net = ep.two_layer(1, 2, activation=torch.nn.Tanh, std=0.3, seed=0)
    descent = torch.optim.LBFGS(net.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def loss():
        descent.zero_grad()
        value = torch.nn.functional.mse_loss(net(tanh[0]), tanh[1])
        value.backward()
        return value

    descent.step(loss)
    net = ep.find_critical(net, *tanh).model
    made = {
        "full": ep.laboratory(x, y, seed=2),
        "brief": ep.laboratory(x, y, brief=True, play=True, width=7),
        "split": ep.lab.splitting(net, *tanh, neuron=1),
    }
    for name, shown in made.items():
        (folder / f"{name}.html").write_text(document(shown), encoding="utf-8")
    return net, made


@pytest.fixture
def look(browser, files):
    """look("full", phone=True, …): the page, alive, with its Watch."""
    contexts = []

    def load(name, *, phone=False, calm=True, without=None, wait=READY):
        size = {"width": 390 if phone else 1100, "height": 900}
        context = browser.new_context(
            viewport=size, has_touch=phone, reduced_motion="reduce" if calm else "no-preference"
        )
        contexts.append(context)
        if without:
            context.add_init_script(f"delete window.{without};")
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.watch = Watch(page)
        page.goto((files[0] / f"{name}.html").as_uri())
        page.wait_for_function(wait)
        return page

    yield load
    for context in contexts:
        context.close()


def settings(page, name):
    return page.evaluate(f"document.querySelector('.ep-lab-live').dataset.{name}")


def points(page):
    return page.evaluate("[...document.querySelectorAll('.ep-lab-point')].map(p => +p.ariaValueNow)")


def test_nothing_fails_nobody_is_asked_and_a_sentence_says_where_it_rests(look):
    page = look("full")
    assert page.watch.errors == page.watch.failed == []
    assert {url.split(":")[0] for url in page.watch.asked} <= {"file", "blob", "data"}
    rests = json.loads(settings(page, "rests"))
    assert [rest["line"]["width"] for rest in rests] == [0, 1, 2, 3]  # as the first page says of seed 2
    assert page.locator("path.ep-lab-lines.ep-lab-met").get_attribute("d").count("M") == 2  # without a name
    assert "“zero function”" in page.evaluate(SAYS)
    assert "“best of 1 neuron”" in page.evaluate(SAYS)
    assert not page.locator(".ep-lab-drawn").is_visible()


def test_a_point_is_dragged_by_the_mouse_and_lines_and_curve_follow(look):
    page = look("full")
    before, run, rests = points(page), settings(page, "run"), settings(page, "rests")
    box = page.locator(".ep-lab-point circle").nth(4).bounding_box()
    page.mouse.move(box["x"] + 3, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + 3, box["y"] - 60, steps=4)
    page.mouse.up()
    after = points(page)
    assert after[4] > before[4] + 0.2
    assert after[:4] + after[5:] == before[:4] + before[5:]
    page.wait_for_function(f"document.querySelector('.ep-lab-live').dataset.run > {run} + 1 && {READY}")
    assert settings(page, "rests") != rests


@pytest.mark.parametrize(("key", "change"), [("ArrowUp", 0.02), ("PageDown", -0.2), ("End", 1.0)])
def test_a_point_moves_by_keys(look, key, change):
    page = look("full")
    before = points(page)
    point = page.locator(".ep-lab-point").nth(10)
    page.keyboard.press("Tab")
    point.focus()
    page.keyboard.press(key)
    assert (points(page)[10] - before[10]) * change > 0
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.ariaLabel").startswith("Point 10 of 20")
    assert page.locator(".ep-lab-point[tabindex='0']").count() == 1


def test_a_phone_has_room_for_fingers_and_none_is_lost(look):
    page = look("full", phone=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    sizes = page.evaluate("""[...document.querySelectorAll(
        ".ep-lab-live :is(button, select, input), .ep-lab-grip")].map(e => {
            const box = e.getBoundingClientRect();
            return [e.className.baseVal ?? e.type, Math.min(box.height, box.width)];
        })""")
    assert [each for each in sizes if each[1] < 43.5] == []
    before = points(page)
    box = page.locator(".ep-lab-point circle").nth(19).bounding_box()
    touch = page.context.new_cdp_session(page)
    place = {"x": box["x"] + 4, "y": box["y"] + 4}
    for kind, spots in (
        ("touchStart", [place]),
        ("touchMove", [{**place, "y": place["y"] - 40}]),
        ("touchEnd", []),
    ):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})
    page.wait_for_function(
        f"+document.querySelectorAll('.ep-lab-point')[19].ariaValueNow > {before[19]} + 0.1"
    )


def test_axe_finds_nothing(look):
    from axe_playwright_python.sync_playwright import Axe

    for name in ("full", "split"):
        wait = READY if name == "full" else "document.querySelector('.ep-lab-live')?.dataset.split"
        found = Axe().run(look(name, wait=wait)).response["violations"]
        assert [(each["id"], [node["html"][:100] for node in each["nodes"]][:3]) for each in found] == []


def slide(page, label, value):
    page.evaluate(
        """([label, value]) => {
            const input = [...document.querySelectorAll('.ep-lab-control')]
                .find(each => each.textContent.startsWith(label)).querySelector('input');
            input.value = value === 'max' ? input.max : value;
            input.dispatchEvent(new Event('input'));
        }""",
        [label, value],
    )


def test_extreme_controls_end_in_a_word(look):
    page = look("full")
    slide(page, "step size", "max")
    slide(page, "start", 0)
    page.wait_for_function(f"{SAYS}.includes('is dead: ')")
    slide(page, "width", 0)
    page.wait_for_function(f"{SAYS}.includes('width 1 ')")
    for wrong in ("", "-1", "1.5", "1e99"):
        page.locator("input[type=number]").fill(wrong)
    assert page.watch.errors == []


def test_runs_fill_the_spectrum_row_by_row_and_another_task_empties_it(look):
    page = look("full")
    page.get_by_role("button", name="10 runs each", exact=True).click()
    page.wait_for_function("document.querySelector('.ep-lab-live').dataset.filled", timeout=120_000)
    label = page.locator("svg[aria-label^='Spectrum']").get_attribute("aria-label")
    for width in (1, 2, 3, 10, 30, 100):
        assert f"10 of width {width} " in label
    page.locator("select").select_option("a step")
    page.wait_for_function("document.querySelector(\"svg[aria-label='Spectrum of losses: empty']\")")


def test_it_plays_by_itself_once_but_not_for_who_wants_calm(look):
    page = look("brief", calm=False, wait="document.querySelector('.ep-lab-play')?.ariaPressed === 'true'")
    page.wait_for_function("document.querySelector('.ep-lab-play').ariaPressed === 'false'")
    clock = "document.querySelector('.ep-lab-time input')"
    assert page.evaluate(f"{clock}.value === {clock}.max")
    assert page.locator(".ep-lab-view").count() == 2
    calm = look("brief")
    assert calm.locator(".ep-lab-play").get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("missing", ["Worker", "WebAssembly", "DecompressionStream"])
def test_without_what_it_needs_the_drawing_stays(look, missing):
    page = look("brief", without=missing, wait="document.querySelector('.ep-lab[data-ready]')")
    page.wait_for_timeout(300)
    assert page.locator(".ep-lab-drawn svg:visible").count() == page.locator(".ep-lab-drawn").count()
    assert page.locator(".ep-lab-live").count() == 0
    assert page.watch.errors == []


def test_print_shows_the_drawing(look):
    page = look("full")
    page.emulate_media(media="print")
    assert page.locator(".ep-lab-drawn svg:visible").count() == page.locator(".ep-lab-drawn").count()
    assert not page.locator(".ep-lab-live").is_visible()


def test_it_adds_at_most_60_kilobytes_to_a_page(files):
    for name, shown in files[2].items():
        assert len(gzip.compress(shown._repr_html_().encode())) <= 60_000, name


@pytest.mark.parametrize(("place", "alpha"), [(5, -0.25), (15, 0.25), (20, 0.5)])
def test_the_split_has_the_signs_of_the_law_and_falls_by_it(look, files, place, alpha):
    page = look("split", wait="document.querySelector('.ep-lab-live')?.dataset.split")
    slide(page, "nudge", 0)
    slide(page, "share", place)
    page.wait_for_function("JSON.parse(document.querySelector('.ep-lab-live').dataset.split).mine === 3")
    assert json.loads(settings(page, "split"))["alpha"] == alpha
    shown, net = json.loads(settings(page, "split")), files[1]
    x, y = ep.data.tanh_teacher()
    wide = ep.split(net, neuron=1, alpha=alpha)
    inertia = ep.inertia(ep.hessian(wide, x, y))
    assert shown["counts"] == [inertia.negative, inertia.zero, inertia.positive]
    assert shown["loss"] == pytest.approx(torch.nn.functional.mse_loss(wide(x), y).item(), rel=1e-12)
    if inertia.negative:
        foretold = dict(shown["laws"])
        small = 1e-8 * -shown["values"][0]  # where the cubic terms do not yet show
        early = [(drop, foretold[t]) for t, drop in shown["drops"] if 1e-13 < drop < small]
        assert len(early) > 10
        assert all(abs(drop / 10**level - 1) < 0.05 for drop, level in early)
    else:
        assert abs(shown["loss"] - shown["end"]) < 1e-6
