"""A shipped page in a real browser: by a double click, from any server, damaged, and too new for
the browser."""

import threading
import zlib
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from browsing import NO_BROWSER, Browser, Keys, start

from lilliput.faces.cli import main
from lilliput.lab.load import load_text
from lilliput.shipping import wasm
from lilliput.specs.sampling import Sampling

pytestmark = NO_BROWSER
DAMAGED = "This page is damaged; download it again."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    with chdir(made):
        for line in (
            "zoo:addition-368 --as wasm --out sums.html",
            "zoo:stories-211k --as wasm --numbers int8 --out tales.html",
            "zoo:stories-211k --as safetensors --numbers int8 --out tales.safetensors",
        ):
            assert main(["ship", *line.split()]) == 0
    return made


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    made = start()
    yield made
    made.quit()


@pytest.fixture
def browser(driver: Any, home: Path) -> Browser:
    """At the folder, without a server."""
    driver.get_log("browser")
    return Browser(driver, home.as_uri() + "/")


class CallsItUtf8(SimpleHTTPRequestHandler):
    """Says of every file that it is a page in UTF-8, as free web servers say of pages."""

    def guess_type(self, path: Any) -> str:
        return "text/html; charset=utf-8"

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of such a server."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), partial(CallsItUtf8, directory=str(folder)))
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{made.server_address[1]}/"
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


def test_a_story_is_told_from_a_file(browser: Browser, home: Path) -> None:
    assert (home / "tales.html").stat().st_size <= 260_000
    browser.open("tales.html")
    browser.ready("#teller")
    browser.run(
        "const t = document.getElementById('temperature'); t.value = 0;"
        " t.dispatchEvent(new Event('input')); document.getElementById('begin').click()"
    )
    browser.until(lambda: "characters in" in browser.text("#stories .note"))
    prompt, greedy = "Once upon a time", Sampling(temperature=0)
    told = load_text(str(home / "tales.safetensors")).tell(prompt, sampling=greedy)
    assert browser.text(".story") == prompt + "".join(told)
    assert browser.console() == [], "nothing breaks the policy"


@pytest.mark.parametrize("file", ["sums.html", "saved.html"])
def test_a_server_and_an_editor_may_think_it_utf8(browser: Browser, home: Path, file: str) -> None:
    text = (home / "sums.html").read_bytes().decode("utf-16")
    (home / "saved.html").write_bytes(text.encode())
    with server(home) as address:
        served = Browser(browser.driver, address)
        served.open(file)
        served.ready("#calculator")
        served.one("#question").send_keys("12 + 24", Keys.ENTER)
        served.until(lambda: served.text("#answers li span") == "12 + 24 = 36.00")


def test_a_page_warns_of_what_was_not_learned(browser: Browser) -> None:
    browser.open("sums.html")
    browser.ready("#calculator")
    words = "an operand is outside of 0-89, which is all that was learned"
    for question, warned in (("91 + 5", True), ("89 + 5", False), ("5 + 90", True)):
        browser.one("#question").send_keys(Keys.CONTROL, "a")
        browser.one("#question").send_keys(question, Keys.ENTER)
        browser.until(lambda asked=question: browser.text("#answers li span").startswith(asked))
        assert (words in browser.text("#answers li")) == warned
        assert (words in browser.text("#said")) == warned


def test_a_page_reads_the_signs_of_print(browser: Browser) -> None:
    browser.open("sums.html")
    browser.ready("#calculator")
    for typed, plain in (
        ("5 × 3", "5 * 3"),
        ("5·3", "5*3"),
        ("5 ÷ 3", "5 / 3"),
        ("5 − 3", "5 - 3"),
    ):
        browser.one("#question").send_keys(Keys.CONTROL, "a")
        browser.one("#question").send_keys(typed, Keys.ENTER)
        # It knows additions alone, and names what it was asked.
        words = f"this model does not know “{plain.strip('53 ')}”"
        browser.until(lambda wanted=words: browser.text("#trouble") == wanted)


def test_every_byte_comes_back(browser: Browser, home: Path) -> None:
    # Stored by zlib as they are, so that all pairs of bytes stand in the page, at both places.
    pairs = b"".join(pair.to_bytes(2, "little") for pair in range(65_536))
    data = pairs + b"-" + pairs + b"</script><!--\r\n\r\0"
    element = wasm.element("all", zlib.compress(data, 0))
    page = f"\ufeff<!doctype html><script>{wasm.part('unpack.js')}</script>{element}"
    (home / "bytes.html").write_bytes(page.encode("utf-16-le"))
    browser.open("bytes.html")
    script = (
        "const { textContent, dataset } = document.getElementById('all');"
        "return unpack(textContent, Number(dataset.size)).then((bytes) => [...bytes])"
    )
    assert bytes(browser.run(script)) == data


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_a_damaged_page_says_so(browser: Browser, home: Path, place: float) -> None:
    page = (home / "tales.html").read_bytes().decode("utf-16")
    start, end = page.index('id="page"'), page.rindex("</script>")
    at = start + int(place * (end - start))
    other = "a" if page[at] != "a" else "b"
    for name, text in (("changed", page[:at] + other + page[at + 1 :]), ("half", page[:at])):
        (home / f"{name}.html").write_bytes(text.encode("utf-16"))
        browser.open(f"{name}.html")
        browser.until(lambda: browser.text("#trouble"))
        assert browser.text("#trouble") == DAMAGED
        assert not browser.one("#teller").is_displayed()


def test_an_old_browser_is_told_which_ones_are_new_enough(browser: Browser) -> None:
    added = browser.driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": "delete window.DecompressionStream"}
    )
    try:
        browser.open("sums.html")
        browser.until(
            lambda: browser.text("#trouble").startswith("This page needs a newer browser")
        )
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_a_page_says_what_it_was_asked_and_why_not(browser: Browser) -> None:
    browser.open("sums.html")
    browser.ready("#calculator")
    for typed, said in ((" 12+24 =", "12 + 24 = 36.00"), ("012 +\u00a04", "12 + 4 = 16.00")):
        browser.one("#question").send_keys(Keys.CONTROL, "a")
        browser.one("#question").send_keys(typed, Keys.ENTER)
        browser.until(lambda wanted=said: browser.text("#answers li span") == wanted)
    for typed, words in (
        ("12 / 0", "12 / 0 has no answer: division by zero; divide by another"),
        ("-3 + 4", "-3 + 4 has an operand that is no whole number of 0 or more"),
        ("1234 + 4567", "1234 + 4567 is too long for this model, which reads 10 characters"),
    ):
        browser.one("#question").send_keys(Keys.CONTROL, "a")
        browser.one("#question").send_keys(typed, Keys.ENTER)
        browser.until(lambda wanted=words: browser.text("#trouble").startswith(wanted))


def test_the_focus_stays_with_whoever_tells_by_keys(browser: Browser) -> None:
    browser.open("tales.html")
    browser.ready("#teller")
    focus = "return document.activeElement.id"
    browser.run("document.getElementById('begin').focus()")
    browser.press(Keys.ENTER)
    assert browser.run(focus) in ("stop", "begin"), "begin, where it is over already"
    browser.until(lambda: "characters in" in browser.text("#stories .note"))
    browser.until(lambda: browser.run(focus) == "begin")
    # Told from the text field, the focus stays there.
    browser.run("document.getElementById('prompt').focus()")
    browser.run("document.getElementById('teller').requestSubmit()")
    assert browser.run(focus) == "prompt"


def test_a_seed_that_is_too_large_is_refused(browser: Browser) -> None:
    browser.open("tales.html")
    browser.ready("#teller")
    script = (
        "document.getElementById('seed').value = '18446744073709551616';"
        "document.getElementById('begin').click()"
    )
    browser.run(script)
    browser.until(lambda: browser.text("#trouble").startswith("a seed is a whole number of 0 to"))
    assert browser.text(".story") == ""
