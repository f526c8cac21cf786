"""How the pages look: on a phone, in charts of few and of many numbers."""

import math
from collections.abc import Iterator
from itertools import combinations

import pytest
from browsing import NO_BROWSER, Browser, visitor
from report_search import write_run
from served import SPEC

from lilliput.files import append_line

pytestmark = NO_BROWSER
PAGES = ("index.html", "model.html", "model.html?kind=stories", "compare.html", "runs.html")
WIDEST = 110
"""Pixels of a name; marks that are nearer than that may leave room for one name only."""
ROW = {"right": 3, "total": 4, "low": 0.5, "high": 0.9, "seconds": 1.0, "characters": 9}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    home = tmp_path_factory.mktemp("home")
    run = home / "runs" / "going"
    write_run(run, SPEC)
    (run / "metrics.jsonl").unlink()
    for step, loss in ((1, 2.031), (2, 1.962)):
        append_line(run / "metrics.jsonl", {**ROW, "step": step, "loss": loss})
    with visitor(home) as made:
        yield made


@pytest.fixture
def phone(browser: Browser) -> Iterator[Browser]:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield browser
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def boxes(browser: Browser, css: str) -> list[dict[str, float]]:
    return list(
        browser.run(
            "return [...document.querySelectorAll(arguments[0])]"
            ".map((one) => one.getBoundingClientRect().toJSON())",
            css,
        )
    )


def meet(one: dict[str, float], other: dict[str, float]) -> bool:
    across = one["left"] < other["right"] and other["left"] < one["right"]
    return across and one["top"] < other["bottom"] and other["top"] < one["bottom"]


def test_every_page_fits_a_phone_and_names_what_one_can_use(phone: Browser) -> None:
    for page in PAGES:
        phone.open(page)
        phone.until(lambda: phone.all("#calculator:not([hidden]), #teller:not([hidden]), "
                                      "#chart a, .run svg"))  # fmt: skip
        wide = phone.run("return document.documentElement.scrollWidth")
        assert wide <= 390, f"{page} scrolls sideways"
        assert phone.nameless() == [], page
        origins = phone.run(
            "return performance.getEntriesByType('resource').map((e) => new URL(e.name).origin)"
        )
        assert {*origins} <= {phone.address.rstrip("/"), "null"}, "nothing from elsewhere"


def test_what_is_chosen_can_be_read_on_a_phone(phone: Browser) -> None:
    phone.open("compare.html")
    phone.ready("#calculator")
    first, second = boxes(phone, ".pick select")
    assert not meet(first, second)
    assert first["width"] > 250


@pytest.mark.parametrize("width", [320, 390, 700, 1280])
def test_no_name_stands_over_another(browser: Browser, width: int) -> None:
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.open("index.html")
        browser.until(lambda: browser.all("#chart a"))
        for tab in range(len(browser.all("#groups button"))):
            browser.all("#groups button")[tab].click()
            names, marks = boxes(browser, "#chart .name"), boxes(browser, "#chart a > path")
            apart = max(mark["left"] for mark in marks) - min(mark["left"] for mark in marks)
            assert len(names) >= (2 if apart > WIDEST else min(1, len(marks)))
            assert not [pair for pair in combinations(names, 2) if meet(*pair)]
            assert not [name for name in names for mark in marks if meet(name, mark)]
            own = boxes(browser, "#chart a:has(.name) > path")
            for name, mark in zip(names, own, strict=True):
                assert away(name, mark) <= min(away(name, other) for other in marks) + 3
            (frame,) = boxes(browser, "#chart")
            assert all(frame["left"] <= n["left"] and n["right"] <= frame["right"] for n in names)
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def away(one: dict[str, float], other: dict[str, float]) -> float:
    """Pixels between the middles of two boxes."""
    across = one["left"] + one["right"] - other["left"] - other["right"]
    down = one["top"] + one["bottom"] - other["top"] - other["bottom"]
    return math.hypot(across, down) / 2


def test_axes_have_two_round_numbers_or_more(browser: Browser) -> None:
    browser.open("runs.html")
    browser.until(lambda: len(browser.all(".run svg")) == 2)
    assert "step 2 of 1,000" in browser.text(".run .note")
    marked = browser.run(
        "return [...document.querySelectorAll('.run svg')].map((drawing) =>"
        " [...drawing.querySelectorAll('text[text-anchor=end]')].map((one) => one.textContent))"
    )
    assert marked[0] == ["0 %", "50 %", "100 %"]
    assert marked[1] == ["1.975", "2", "2.025"]
