"""Every slider of the built book: by mouse, by touch, by keys, by its name; and the play button."""

import json

import pytest
from built_book import CHAPTERS

pytestmark = pytest.mark.site


def explorers(page):
    """(figure, its sliders) of all explorable figures, for locators that stay valid."""
    for figure in page.locator(".ep-explore").all():
        figure.scroll_into_view_if_needed()
        yield figure, figure.locator("input[type=range]").all()


def state(figure, slider):
    """Frame number, position, what the label and the screen reader say, and the visible picture."""
    return slider.evaluate(
        """(input, id) => {
            const root = document.getElementById(id);
            const svg = [...root.querySelectorAll(".ep-picture > svg")].find(e => e.getClientRects().length);
            const frames = [...svg.querySelectorAll(":scope > .ep-frame")];
            const seen = frames.filter(frame => getComputedStyle(frame).display !== "none");
            return {frame: frames.indexOf(seen[0]), seen: seen.length, value: Number(input.value),
                    label: input.parentNode.querySelector(".ep-value").textContent,
                    alt: svg.getAttribute("aria-label"),
                    spoken: input.getAttribute("aria-valuetext"), picture: seen[0].innerHTML};
        }""",
        figure.get_attribute("id"),
    )


def check(figure, slider):
    """The state, after making sure that label, screen reader and picture agree with the position."""
    now, texts = state(figure, slider), json.loads(slider.get_attribute("data-texts"))
    assert now["seen"] == 1
    assert now["label"] == now["spoken"] == texts[now["value"]]
    return now


def press_at(page, slider, fraction, *, touch):
    box = slider.bounding_box()
    place = box["x"] + 2 + fraction * (box["width"] - 4), box["y"] + box["height"] / 2
    (page.touchscreen.tap if touch else page.mouse.click)(*place)


def move(page, figure, slider, *, touch):
    """Press at both ends; the picture and the value must follow."""
    press_at(page, slider, 0.0, touch=touch)
    first = check(figure, slider)
    press_at(page, slider, 1.0, touch=touch)
    last = check(figure, slider)
    assert (first["value"], last["value"]) == (0, int(slider.get_attribute("max")))
    assert first["frame"] != last["frame"]
    press_at(page, slider, 0.5, touch=touch)
    middle = check(figure, slider)
    assert first["value"] < middle["value"] < last["value"] or last["value"] == 1
    assert len({first["picture"], middle["picture"], last["picture"]}) > 1


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_by_mouse(visit, name):
    page = visit(name)
    for figure, sliders in explorers(page):
        for slider in sliders:
            move(page, figure, slider, touch=False)
            box = slider.bounding_box()
            press_at(page, slider, 0.0, touch=False)
            page.mouse.move(box["x"] + 12, box["y"] + box["height"] / 2)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"], box["y"] + box["height"] / 2, steps=5)
            page.mouse.up()
            assert check(figure, slider)["value"] == int(slider.get_attribute("max"))


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_by_touch_on_a_phone(visit, name):
    page = visit(name, phone=True)
    for figure, sliders in explorers(page):
        for slider in sliders:
            move(page, figure, slider, touch=True)
            assert slider.bounding_box()["height"] >= 40
            assert slider.bounding_box()["width"] >= 120


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_by_keys_and_by_name(visit, name):
    page = visit(name)
    for figure, sliders in explorers(page):
        button = figure.get_by_role("button", name="Play")
        button.focus()
        for slider in sliders:
            page.keyboard.press("Tab")
            assert slider.evaluate("input => input === document.activeElement")
            label = page.locator(f'label[for="{slider.get_attribute("id")}"]').inner_text().strip()
            assert label
            assert figure.get_by_role("slider", name=label, exact=True).count() == 1
            page.keyboard.press("Home")
            assert check(figure, slider)["value"] == 0
            page.keyboard.press("ArrowRight")
            assert check(figure, slider)["value"] == 1
            page.keyboard.press("End")
            assert check(figure, slider)["value"] == int(slider.get_attribute("max"))


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_play_moves_the_picture_and_stops(visit, name):
    page = visit(name)
    for figure, sliders in explorers(page):
        button = figure.get_by_role("button", name="Play")
        before = check(figure, sliders[0])["frame"]
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        page.wait_for_function(
            "([id, frame]) => document.getElementById(id).dataset.frame != frame",
            arg=[figure.get_attribute("id"), before],
        )
        button.click()
        assert button.get_attribute("aria-pressed") == "false"
        check(figure, sliders[0])


@pytest.mark.parametrize("name", CHAPTERS, scope="session")
def test_no_control_is_dead(visit, name):
    page = visit(name)
    ranges = page.locator("input[type=range]").count()
    alive = page.locator(":is(.ep-explore[data-ready], .ep-lab-alive) input[type=range]")
    assert alive.count() == ranges
    assert page.locator(".jupyter-widgets, script[type*='jupyter.widget']").count() == 0


def test_the_first_page_begins_with_a_net_that_trains_and_has_a_slider(visit):
    page = visit(CHAPTERS[0])
    curve = page.locator(".ep-lab-live svg").first.bounding_box()
    assert curve["y"] + curve["height"] < 800
    assert page.locator(".ep-explore").count() >= 1


def test_the_first_figure_plays_by_itself_unless_calm_is_asked_for(browser, html):
    for calm in (False, True):
        context = browser.new_context(reduced_motion="reduce" if calm else "no-preference")
        page = context.new_page()
        page.goto((html / CHAPTERS[0]).as_uri())
        root = page.locator(".ep-explore").first
        root.scroll_into_view_if_needed()
        before = root.get_attribute("data-frame")
        page.wait_for_timeout(1500)
        assert (root.get_attribute("data-frame") == before) == calm
        context.close()
