"""A page in a real browser, with what a person does on it."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from served import Served

webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
NO_BROWSER = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="no chromium here; Debian: chromium-driver"
)


def start() -> Any:
    """Chromium without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1280,1000"):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(DRIVER))


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """The address of a plain web server, which knows nothing of its files."""
    server = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().split(" port ")[1].split()[0]
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.communicate()


class Browser:
    """A page in Chromium, with what a person does on it."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, path: str) -> None:
        self.driver.get(self.address + path)

    def one(self, css: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[Any]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, css))

    def text(self, css: str) -> str:
        return str(self.driver.execute_script(
            "return document.querySelector(arguments[0])?.textContent ?? ''", css))  # fmt: skip

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def until(self, what: Callable[[], Any], seconds: float = 40) -> Any:
        """Waits for something to be so."""
        end = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < end, f"trouble: {self.text('#trouble')!r}"
            time.sleep(0.03)
        return found

    def ready(self, form: str) -> None:
        self.until(lambda: self.one(form).is_displayed())

    def press(self, *keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, css: str) -> None:
        """Tab, until an element has the focus."""
        for _ in range(60):
            if self.run("return document.activeElement.matches(arguments[0])", css):
                return
            self.press(Keys.TAB)
        raise AssertionError(f"Tab never comes to {css}")

    def choose(self, css: str, value: str) -> None:
        """Takes one of a select's options."""
        self.run(
            "const select = document.querySelector(arguments[0]); select.value = arguments[1];"
            " select.dispatchEvent(new Event('change'))",
            css,
            value,
        )

    def console(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def nameless(self) -> list[str]:
        """Roles of what one can use and a screen reader has no name for."""
        used = (
            "button",
            "link",
            "textbox",
            "combobox",
            "slider",
            "spinbutton",
            "application",
            "region",
        )
        nodes = self.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        return [
            json.dumps(node["properties"])
            for node in nodes
            if node.get("role", {}).get("value") in used
            and not node["ignored"]
            and not node.get("name", {}).get("value")
        ]


@contextmanager
def visitor(folder: Path) -> Iterator[Browser]:
    """A browser at the pages that are served of a folder; no page leaves an error in its console,
    such as a breach of the policy."""
    served, driver = Served(folder), start()
    try:
        made = Browser(driver, served.address)
        yield made
        console = made.console()
    finally:
        driver.quit()
        # Whatever browsers were there: Ctrl-C ends it.
        ended = served.end()
    assert console == []
    assert ended == (130, "lilliput: stopped\n")
