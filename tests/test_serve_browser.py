"""The page in a real browser: asked, told, clicked, by keyboard, and as plain files."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from browsing import NO_BROWSER, Browser, By, Keys, visitor, web_server, webdriver
from report_search import record, write_run
from served import SPEC

from lilliput.faces.cli import main
from lilliput.files import append_line
from lilliput.lab.load import load_answerer, load_text
from lilliput.specs.sampling import Sampling
from lilliput.zoo import entries

pytestmark = NO_BROWSER
ODD = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    write_run(made / "runs" / ODD, SPEC)
    questions = "capital of France\tParis\ncapital of Italy\tRome\n"
    (made / "questions.tsv").write_text(questions)
    words = "train gru --task lines --file questions.tsv --width 4 --steps 2 --name capitals"
    with chdir(made):
        assert main(words.split()) == 0
    return made


@pytest.fixture(scope="module")
def browser(home: Path) -> Iterator[Browser]:
    with visitor(home) as made:
        yield made


def test_the_keypad_asks_a_sum(browser: Browser) -> None:
    browser.open("model.html?name=zoo:addition-368")
    browser.ready("#calculator")
    assert browser.one("#question").accessible_name == "A sum"
    for key in ("3", "8", "+", "4", "5"):
        browser.one(f"button[data-key='{key}']").click()
    browser.one("button[aria-label=equals]").click()
    answer = load_answerer("zoo:addition-368")("38 + 45")
    browser.until(lambda: browser.text("#answers li span") == f"38 + 45 = {answer}")
    assert answer == "83.00"
    assert browser.text("#answers li small").startswith("right, ")
    browser.until(lambda: browser.text("#said").startswith("38 + 45 = 83.00, right, "))
    browser.one("button[data-key='7']").click()
    assert browser.one("#question").get_property("value") == "7", "a key begins a new sum"


def test_a_model_of_questions_has_no_keypad(browser: Browser) -> None:
    browser.open("model.html?name=runs/capitals")
    browser.ready("#calculator")
    assert [key.text for key in browser.all(".keys button") if key.is_displayed()] == ["Ask"]
    assert browser.one("#question").accessible_name == "A question"
    browser.one("#question").send_keys("capital of Italy")
    browser.one(".keys .main").click()
    browser.until(lambda: browser.text("#answers li span").startswith("capital of Italy: "))
    assert not browser.one("#maps").is_displayed()
    browser.choose("#model", "zoo:tables-1400")
    browser.until(lambda: browser.text("#count") == "390 of 390")
    assert len([key for key in browser.all(".keys button") if key.is_displayed()]) == 16
    assert browser.one("#question").accessible_name == "A sum"


def test_what_cannot_be_asked_is_said(browser: Browser) -> None:
    browser.open("model.html?name=zoo:addition-368")
    browser.ready("#calculator")
    browser.one("#question").send_keys("twelve", Keys.ENTER)
    browser.until(lambda: "write a sum of two whole numbers" in browser.text("#trouble"))
    assert browser.one("#trouble").get_attribute("role") == "alert"
    browser.one("#question").send_keys("5 + 5", Keys.ENTER)
    browser.until(lambda: "5 + 5 = " in browser.text("#answers"))
    assert browser.text("#trouble") == ""


def test_the_heat_map_counts_as_the_exam_does(browser: Browser) -> None:
    entry = next(entry for entry in entries() if entry.name == "addition-368")
    browser.open("model.html?name=zoo:addition-368")
    browser.until(lambda: browser.text("#count") == "10,000 of 10,000")
    head = [cell.text for cell in browser.all("#score-head th")]
    row = [cell.text for cell in browser.all("#scores tr > *")]
    found = dict(zip(head, row, strict=True))
    for section, (right, total) in (
        ("validation", entry.valid),
        ("unseen", entry.unseen),
        ("beyond", entry.beyond),
    ):
        assert found[section].startswith(f"{right:,} of {total:,}, ")


def test_a_cell_asks_its_problem(browser: Browser) -> None:
    browser.open("model.html?name=zoo:addition-368")
    browser.ready("#maps")
    browser.one("#pause").click()
    assert browser.one("#pause").text == "Go on"
    canvas = browser.one("canvas")
    browser.run("arguments[0].scrollIntoView({block: 'center'})", canvas)
    box = canvas.rect
    # From the middle; the first number goes up, the second to the right, 100 of each.
    cell = box["width"] / 100
    across, up = round((23.5 - 50) * cell), -round((41.5 - 50) * cell)
    chain = webdriver.ActionChains(browser.driver)
    chain.move_to_element_with_offset(canvas, across, up).perform()
    assert browser.text(".map output").startswith("41 + 23: ")
    chain.click().perform()
    answer = load_answerer("zoo:addition-368")("41 + 23")
    browser.until(lambda: browser.text("#answers li span") == f"41 + 23 = {answer}")
    assert browser.one("#question").get_property("value") == "41 + 23"
    browser.until(lambda: browser.text(".map output").startswith(f"41 + 23 = {answer}, "))


def test_a_section_can_be_seen_by_itself(browser: Browser) -> None:
    browser.open("model.html?name=zoo:tables-1400")
    browser.until(lambda: browser.text("#count") == "390 of 390")
    sections = [option.text for option in browser.all("#section option")]
    assert sections == ["all problems", "seen"], "a small space keeps none unseen"
    browser.open("model.html?name=zoo:addition-368")
    browser.until(lambda: browser.text("#count") == "10,000 of 10,000")
    strong = (
        "const c = document.querySelector('canvas'), copy = new OffscreenCanvas(c.width, c.height);"
        " const to = copy.getContext('2d', {willReadFrequently: true}); to.drawImage(c, 0, 0);"
        " const d = to.getImageData(0, 0, c.width, c.height).data;"
        " let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] === 255; return n"
    )
    whole = browser.run(strong)
    browser.choose("#section", "u")
    assert browser.run(strong) < whole / 5, "a tenth and the border stand out"


def test_all_of_it_by_keyboard(browser: Browser) -> None:
    browser.open("index.html")
    browser.until(lambda: browser.all("#chart a"))
    browser.press(Keys.TAB)
    assert browser.run("return document.activeElement.className") == "skip"
    browser.tab_to("#chart a")
    name = browser.run("return document.activeElement.getAttribute('aria-label')")
    assert browser.text("#readout") == name
    assert "parameters, unseen" in name
    browser.press(Keys.ENTER)
    browser.until(lambda: "/model.html?name=zoo" in browser.driver.current_url)
    browser.open("model.html?name=zoo:worked-10k")
    browser.ready("#maps")
    browser.tab_to("#question")
    browser.press("6 + 7", Keys.ENTER)
    browser.until(lambda: "6 + 7 = " in browser.text("#answers"))
    browser.tab_to("#pause")
    browser.press(" ")
    browser.tab_to("canvas")
    assert browser.text(".map output").startswith("0 + 0: ")
    browser.press(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert browser.text(".map output").startswith("2 + 0: ")
    chain = webdriver.ActionChains(browser.driver).key_down(Keys.SHIFT)
    chain.send_keys(Keys.ARROW_RIGHT).key_up(Keys.SHIFT).perform()
    assert browser.text(".map output").startswith("2 + 10: ")
    browser.press(Keys.ENTER)
    browser.until(lambda: "2 + 10 = " in browser.text("#answers"))


def test_a_story_is_streamed_as_python_tells_it(browser: Browser) -> None:
    browser.open("model.html?name=zoo:stories-60k")
    browser.ready("#teller")
    prompt = "Tom had a dog"
    browser.run("document.getElementById('prompt').value = arguments[0]", prompt)
    browser.run(
        "const t = document.getElementById('temperature'); t.value = 0.8;"
        " t.dispatchEvent(new Event('input')); document.getElementById('seed').value = 7"
    )
    assert browser.text("#warmth") == "0.8"
    browser.run(
        "window.seen = []; const place = document.querySelector('.story');"
        " new MutationObserver(() => seen.push(place.textContent.length))"
        ".observe(place, {childList: true, characterData: true, subtree: true})"
    )
    browser.one("#begin").click()
    browser.until(lambda: "characters in" in browser.text("#stories .note"))
    model = load_text("zoo:stories-60k")
    told = prompt + "".join(model.tell(prompt, sampling=Sampling(temperature=0.8), seed=7))
    assert browser.text(".story") == told
    seen = browser.run("return seen")
    assert len(set(seen)) > 5, "it came in pieces"
    assert browser.one(".story").get_attribute("aria-live") == "polite"
    assert browser.one(".story").get_attribute("aria-busy") is None


def test_a_story_can_be_stopped_and_what_it_cannot_read_is_said(browser: Browser) -> None:
    name = "zoo:stories-211k"
    browser.open(f"model.html?name={name}")
    browser.ready("#teller")
    # Seed 3 tells a long story; both clicks fall before the worker has told any of it.
    browser.run(
        "document.getElementById('seed').value = 3;"
        " for (const id of ['begin', 'stop']) document.getElementById(id).click()"
    )
    browser.until(lambda: "characters in" in browser.text("#stories .note"))
    whole = "Once upon a time" + "".join(load_text(name).tell("Once upon a time", seed=3))
    told = browser.text(".story")
    # What the worker says between two rests may be a third of it on a fast machine.
    assert whole.startswith(told)
    assert len(told) < len(whole)
    assert browser.one("#stop").get_attribute("disabled")
    browser.run("document.getElementById('prompt').value = 'A ☃'")
    browser.one("#begin").click()
    browser.until(lambda: browser.text("#trouble") == "this model does not know “☃”")


def test_names_are_short_on_the_page(browser: Browser) -> None:
    browser.open("index.html")
    names = ("zoo:addition-368", "runs/mine", "searches/arithmetic-7089476a/models/trial-0")
    said = browser.driver.execute_async_script(
        "const [names, done] = arguments;"
        "import('./common.js').then(({ short }) => done(names.map(short)))",
        names,
    )
    assert said == ["addition-368", "mine", "arithmetic-7089476a/trial-0"]


def test_two_models_are_asked_the_same(browser: Browser) -> None:
    names = ("zoo:addition-368", "zoo:arithmetic-12k")
    browser.open(f"compare.html?left={names[0]}&right={names[1]}")
    browser.ready("#calculator")
    browser.one("#question").send_keys("91 + 95", Keys.ENTER)
    browser.until(lambda: len(browser.all("#answers li")) == 2)
    sides = {
        side.find_element(By.TAG_NAME, "h2").text: side.text for side in browser.all(".sides > *")
    }
    for name in names:
        answer = load_answerer(name)("91 + 95")
        said = sides[name.removeprefix("zoo:")]
        assert f"91 + 95 = {answer}" in said
        assert ("right, beyond" in said) == (answer == "186.00")
    browser.one("#kinds button:last-child").click()
    browser.ready("#teller")
    assert not browser.one("#calculator").is_displayed()
    browser.one("#begin").click()
    browser.until(lambda: len([n for n in browser.all("#stories .note") if n.text]) == 2)
    stories = [story.text for story in browser.all(".story")]
    assert stories[0] != stories[1]
    assert all(story.startswith("Once upon a time") for story in stories)


def test_curves_grow_while_a_run_is_trained(browser: Browser, home: Path) -> None:
    browser.open("runs.html")
    browser.until(lambda: "step 1,000 of 1,000" in browser.text(".run .note"))
    assert browser.text("#state") == "2 runs, 1 not finished"
    assert browser.text(".run h2") == ODD, "a name is text"
    curve = "return document.querySelector('.run path.curve').getAttribute('d')"
    before = browser.run(curve)
    append_line(home / "runs" / ODD / "metrics.jsonl", {**record(SPEC, 1000), "step": 600})
    browser.until(lambda: browser.run(curve) != before)
    assert "step 1,000" in browser.text(".run .note")


def test_the_folder_works_on_any_web_server(browser: Browser, home: Path) -> None:
    with chdir(home):
        assert main(["serve", "--out", "site"]) == 0
        assert main(["ship", "zoo:addition-368", "--as", "wasm", "--out", "sums.html"]) == 0
    with web_server(home / "site") as address:
        plain = Browser(browser.driver, address)
        plain.open("model.html?name=zoo:addition-368")
        plain.ready("#calculator")
        assert "Training now" not in plain.text("nav")
        plain.one("#question").send_keys("12 + 24", Keys.ENTER)
        plain.until(lambda: plain.text("#answers li span") == "12 + 24 = 36.00")
        plain.open("model?name=zoo:worked-10k")
        plain.ready("#calculator")
        assert plain.driver.current_url == f"{address}model.html?name=zoo%3Aworked-10k"
        assert "9,648 parameters" in plain.text("#title")
    # A shipped page is made of the same parts, and opens by a double click.
    shipped = Browser(browser.driver, (home / "sums.html").as_uri())
    shipped.open("")
    shipped.ready("#calculator")
    shipped.one("#question").send_keys("12 + 24", Keys.ENTER)
    shipped.until(lambda: shipped.text("#answers li span") == "12 + 24 = 36.00")
