"""The page in a browser, used quicker than it answers; and what it fetches for that."""

from collections.abc import Iterator

import pytest
from browsing import NO_BROWSER, Browser, visitor

pytestmark = NO_BROWSER
SLOW, QUICK = "zoo:stories-60k", "zoo:tables-1400"
HOLD = """
const [path, fails] = arguments, plain = fetch;
window.fetch = async (asked) => {
  const answer = await plain(asked);
  if (asked !== path || window.release) return answer;
  await new Promise((done) => { window.release = done; });
  if (fails) throw new Error("it broke off");
  return answer;
};
"""
"""The first fetch of a path lasts until `release` is called."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with visitor(tmp_path_factory.mktemp("home")) as made:
        yield made


def weights_of(browser: Browser, name: str) -> str:
    models = browser.run("return fetch('models.json').then((answer) => answer.json())")["models"]
    return next(str(one["weights"]) for one in models if one["name"] == name)


def let_go(browser: Browser) -> None:
    """The held fetch ends, and what waits for it has time to do what it would."""
    browser.run("release(); return new Promise((done) => setTimeout(done, 500))")


@pytest.mark.parametrize("fails", [False, True])
def test_of_two_quick_choices_the_later_one_stands(browser: Browser, fails: bool) -> None:
    browser.open("model.html?name=zoo:addition-368")
    browser.ready("#maps")
    browser.run(HOLD, weights_of(browser, SLOW), fails)
    browser.choose("#model", SLOW)
    browser.until(lambda: browser.run("return Boolean(window.release)"))
    browser.choose("#model", QUICK)
    browser.until(lambda: browser.text("#count") == "390 of 390")
    let_go(browser)
    assert browser.text("#title") == "A calculator of 1,400 parameters"
    assert browser.one("#calculator").is_displayed()
    assert not browser.one("#teller").is_displayed()
    assert browser.text("#trouble") == ""
    browser.choose("#model", SLOW)
    browser.ready("#teller")


def test_of_two_quick_choices_of_a_pair_the_later_one_stands(browser: Browser) -> None:
    browser.open(f"compare.html?left=zoo:addition-368&right={QUICK}")
    browser.ready("#calculator")
    data = browser.run("return fetch('models.json').then((answer) => answer.json())")
    large = next(one for one in data["models"] if one["name"] == "zoo:arithmetic-9k")
    browser.run(HOLD, large["problems"], False)
    browser.choose("#left", "zoo:arithmetic-9k")
    browser.until(lambda: browser.run("return Boolean(window.release)"))
    browser.one("#kinds button:last-child").click()
    browser.ready("#teller")
    let_go(browser)
    assert not browser.one("#calculator").is_displayed()


def test_pause_and_go_on_in_a_hurry_ask_no_problem_beside_another(browser: Browser) -> None:
    browser.open("model.html?name=zoo:worked-10k")
    browser.until(lambda: browser.text("#count"))
    browser.run("""
        const waiting = new Set(), hooked = new Set(), post = Worker.prototype.postMessage;
        window.most = 0;
        Worker.prototype.postMessage = function (message, ...rest) {
          if (message.verb === "answers") {
            waiting.add(message.id);
            most = Math.max(most, waiting.size);
            const heard = this.onmessage;
            if (!hooked.has(this))
              this.onmessage = (event) => { waiting.delete(event.data.id); heard(event); };
            hooked.add(this);
          }
          return post.call(this, message, ...rest);
        };
    """)
    browser.run("for (let n = 0; n < 6; n++) document.getElementById('pause').click()")
    assert browser.one("#pause").text == "Pause"
    before = browser.text("#count")
    browser.until(lambda: browser.text("#count") != before)
    assert browser.run("return most") == 1
    browser.one("#pause").click()


@pytest.mark.parametrize(
    "page", ["model.html?name=zoo:addition-368", "compare.html?left=zoo:arithmetic-9k"]
)
def test_a_page_fetches_each_file_once(browser: Browser, page: str) -> None:
    browser.open(page)
    browser.ready("#maps" if page.startswith("model") else "#calculator")
    fetched = browser.run(
        "return performance.getEntriesByType('resource')"
        ".filter(({ initiatorType }) => initiatorType === 'fetch').map(({ name }) => name)"
    )
    assert any(name.endswith("engine.wasm") for name in fetched)
    assert len(set(fetched)) == len(fetched)
