"""The page's server: what it gives out, to whom, and how it ends."""

import asyncio
import json
import shutil
import socket
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from report_search import write_run
from served import SPEC, Served

from lilliput.faces.cli import main
from lilliput.faces.web import server
from lilliput.faces.web.app import application
from lilliput.faces.web.site import Site
from lilliput.zoo import path_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    write_run(made / "runs" / "going", SPEC)
    return made


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[Served]:
    made = Served(folder)
    yield made
    assert made.end()[0] == 130


def read_until(connection: socket.socket, words: str) -> str:
    text = ""
    while words not in text:
        more = connection.recv(65536).decode()
        assert more, f"the stream ended without {words!r}: {text!r}"
        text += more
    return text


def test_it_listens_on_this_machine_alone_and_says_where(served: Served) -> None:
    assert served.address == f"http://127.0.0.1:{served.port}/"
    assert served.line.endswith("(Ctrl-C ends)\n")


def test_every_answer_carries_the_policy(served: Served) -> None:
    for path in ("/", "/model.html?name=zoo:addition-368", "/worker.js", "/none", "/models.json"):
        _, _, headers = served.get(path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
        assert "unsafe-inline" not in policy
        assert "'unsafe-eval'" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Access-Control-Allow-Origin"] is None
        assert headers["Server"] is None


def test_a_browser_can_start_the_engine(served: Served) -> None:
    _, _, headers = served.get("/engine.wasm")
    assert headers["Content-Type"] == "application/wasm"
    assert served.get("/worker.js")[2]["Content-Type"].startswith("text/javascript")


def test_a_page_is_found_without_its_ending_too(served: Served) -> None:
    for name in ("index", "model", "compare", "runs"):
        for query in ("", "?name=zoo:addition-368"):
            status, text, headers = served.get(f"/{name}{query}")
            assert (status, text) == served.get(f"/{name}.html")[:2]
            assert status == 200
            assert headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/runs/going/spec.json",
        "/weights/../../spec.json",
        "/weights/0000000000000000.bin",
        "/site.py",
        "/layout",
        "/compare/",
        "/index.html%00.js",
    ],
)
def test_only_the_pages_own_files_are_given_out(served: Served, path: str) -> None:
    status, text, _ = served.get(path)
    assert (status, text) == (404, "There is no such page; the first is at /\n")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "", "a b"])
def test_a_name_of_another_site_is_turned_away(served: Served, host: str) -> None:
    status, text, _ = served.get("/models.json", Host=host.format(port=served.port))
    assert status in (400, 421)
    assert "zoo" not in text


def test_this_machines_names_are_known(served: Served) -> None:
    for host in ("127.0.0.1", "localhost", "LOCALHOST", "[::1]"):
        assert served.get("/models.json", Host=f"{host}:{served.port}")[0] == 200


def test_nothing_can_be_written(served: Served) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert served.ask(method, "/models.json", {})[0] == 405


def test_a_huge_query_is_refused_and_costs_nothing(served: Served) -> None:
    # It may hang up before all is sent.
    with suppress(ConnectionError), served.stream("/?" + "x" * 10_000_000) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 4")
    assert served.get("/?" + "x" * 1_000)[0] == 200


def test_the_models_are_those_of_the_zoo_and_of_this_folder(served: Served, folder: Path) -> None:
    before = json.loads(served.get("/models.json")[1])
    assert "zoo:addition-368" in {one["name"] for one in before["models"]}
    made = folder / "runs" / "mine"
    made.mkdir()
    shutil.copy(path_of("addition-368"), made / "model.safetensors")
    (folder / "runs" / "broken").mkdir()
    (folder / "runs" / "broken" / "model.safetensors").write_bytes(b"no model")
    data = json.loads(served.get("/models.json")[1])
    mine = next(one for one in data["models"] if one["name"] == "runs/mine")
    assert served.get("/" + mine["weights"])[0] == 200
    assert len(data["trouble"]) == 1
    assert "runs/broken/model.safetensors" in data["trouble"][0]
    content = bytearray((made / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (made / "model.safetensors").write_bytes(content)
    data = json.loads(served.get("/models.json")[1])
    mine = next(one for one in data["models"] if one["name"] == "runs/mine")
    status, text, _ = served.get("/" + mine["weights"])
    assert status == 500
    assert "does not match its digest" in text
    assert "Traceback" not in text


def test_trainings_are_told_as_they_go_and_readers_may_leave(served: Served, folder: Path) -> None:
    with served.stream("/events") as gone:
        read_until(gone, "event: told")
    with served.stream("/events") as connection:
        text = read_until(connection, "event: told")
        assert "text/event-stream" in text
        news = json.loads(text.partition("data: ")[2].partition("\n")[0])
        assert (news["name"], news["steps"], news["finished"]) == ("going", 1_000, False)
        assert [point[0] for point in news["points"]] == [500, 1000]
        metrics = folder / "runs" / "going" / "metrics.jsonl"
        line = json.loads(metrics.read_text().splitlines()[-1])
        with metrics.open("a") as file:
            file.write(json.dumps({**line, "step": 1_500}) + "\n")
        more = read_until(connection, "\n\n")
        news = json.loads(more.partition("data: ")[2].partition("\n")[0])
        assert [point[0] for point in news["points"]] == [1_500]
        assert not news["anew"]


def test_an_error_names_no_folder_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    def content(path: str) -> bytes:
        raise PermissionError(13, "Permission denied", str(Path.cwd() / "runs" / "x"))

    site, sent = Site(live=True), list[dict[str, Any]]()
    monkeypatch.setattr(site, "content", content)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    head = {"method": "GET", "path": "/models.json", "query_string": b"", "headers": []}
    app = application(site, hosts=None, token="", port=1)
    asyncio.run(app({"type": "http", **head}, receive, send))
    assert sent[0]["status"] == 500
    assert sent[1]["body"] == b"[Errno 13] Permission denied: 'runs/x'\n"


def test_what_tells_of_runs_ends_when_its_reader_leaves(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        while len(sent) < 2:  # its head, and the first of its body
            await asyncio.sleep(0.01)
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(dict(message))

    head = {"method": "GET", "path": "/events", "query_string": b"", "headers": []}
    scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, **head}
    app = application(Site(live=True), hosts=None, token="", port=1)
    asyncio.run(asyncio.wait_for(app(scope, receive, send), timeout=20))
    assert sent[0]["status"] == 200


def test_ctrl_c_ends_it_though_somebody_reads_on(tmp_path: Path) -> None:
    served = Served(tmp_path)
    with served.stream("/events") as connection:
        read_until(connection, "event: told")
        assert served.end() == (130, "lilliput: stopped\n")


def test_elsewhere_only_a_token_opens_it(tmp_path: Path) -> None:
    served = Served(tmp_path, "--host", "0.0.0.0")
    try:
        token = served.address.partition("?token=")[2]
        assert len(token) >= 20
        for path in ("/", "/models.json", "/events", "/?token=", "/?token=wrong", "/?token=%e9"):
            status, text, _ = served.get(path)
            assert (status, "token is needed" in text) == (403, True)
        name = f"lilliput-token-{served.port}"
        assert served.get("/", Cookie=f"{name}=wrong")[0] == 403
        status, _, headers = served.get(f"/model.html?token={token}")
        assert (status, headers["Location"]) == (303, "/model.html")
        asked = served.get(f"/model.html?name=runs%2Fa%26b&token={token}&empty=")
        assert asked[2]["Location"] == "/model.html?name=runs%2Fa%26b&empty="
        elsewhere = served.get(f"//evil.example/?token={token}")[2]["Location"]
        assert elsewhere == "/evil.example/"
        cookie = headers["Set-Cookie"]
        assert cookie.startswith(f"{name}="), "another port is another server"
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert served.get("/models.json", Cookie=cookie.partition(";")[0])[0] == 200
    finally:
        code, said = served.end()
    assert code == 130
    assert "whoever has this address" in said


def test_a_port_in_use_is_said_with_a_free_one(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"lilliput: port {port} is in use; try: lilliput serve --port ")
    assert int(said.split()[-1]) > port


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "65536"], "from 0 (any free one) to 65535; got 65536"),
        (["--host", "no.such.host.invalid"], "no host 'no.such.host.invalid'"),
        (["--host", "192.0.2.1", "--port", "0"], "'192.0.2.1' is no address of this machine"),
    ],
)
def test_where_it_cannot_listen_is_said(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_ipv6_addresses_are_bracketed() -> None:
    assert server._address("::1", 80, "") == "http://[::1]:80/"
    assert "[::1]" in server._names("::1", 80)
    assert not server._is_loopback("10.0.0.1")
    assert server._is_loopback("::1")
