"""The study's page in a real browser: a participant goes through it, saves the answers, and they are counted."""

from __future__ import annotations

import csv
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from study_takes import METHODS, SHOTS, write_takes

from lpcore.evaluate.study import make
from lpcore.evaluate.study_key import QUESTIONS, Key
from lpcore.evaluate.study_tally import read_answers, tally

webdriver = pytest.importorskip("selenium.webdriver")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and its chromedriver on the PATH"),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> tuple[Key, Path]:
    """A study of films that last 0.4 s, and the folder that holds it."""
    folder = tmp_path_factory.mktemp("study")
    out = folder / "out"
    return make(write_takes(folder), out, seed=3, contact="Please send it to Anna."), out


@contextmanager
def browser(downloads: Path, *, width: int = 1280) -> Iterator:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for word in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "no-first-run", "disable-sync",
        "disable-quic", "disable-background-networking", "disable-component-update", f"window-size={width},900",
    ):  # fmt: skip
        options.add_argument(f"--{word}")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def until(condition: Callable[[], object], seconds: float = 60) -> object:
    """What the condition gives once that is something."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "the page did not come so far"
        time.sleep(0.02)
    return found


def click(driver, name: str) -> None:
    driver.find_element("id", name).click()


def text(driver, name: str) -> str:
    return driver.find_element("id", name).text


def shown_films(driver) -> list[str]:
    return [video.get_attribute("data-film") for video in driver.find_elements("css selector", "video")]


def watch(driver) -> None:
    click(driver, "play-all")
    wanted = f"{len(METHODS)} of {len(METHODS)} films seen"
    until(lambda: text(driver, "watched") == wanted)


def answer(driver, key: Key, wanted: dict[str, str]) -> None:
    """Choose, for each question, the film of the wanted method."""
    methods = {film: method for shot in key.shots.values() for film, method in shot.films.items()}
    for question, method in wanted.items():
        for button in driver.find_elements("name", question):
            if methods[button.get_attribute("value")] == method:
                button.click()


def saved(downloads: Path) -> Path:
    return until(lambda: next(downloads.glob("answers-*.csv"), None))  # type: ignore[return-value]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_participant_goes_through_the_study(study, tmp_path):
    key, folder = study
    wanted = dict(zip(QUESTIONS, ("ours", "warped", "redrawn", "ours"), strict=True))
    orders = []
    with browser(tmp_path) as driver:
        driver.get((folder / "page" / "index.html").as_uri())
        assert "2 pages" in text(driver, "welcome")
        click(driver, "start")
        for page in range(len(SHOTS)):
            assert text(driver, "page-number") == f"Page {page + 1} of {len(SHOTS)}"
            click(driver, "next")
            assert text(driver, "message") == "Please watch these films to the end first: A, B, C."
            watch(driver)
            answer(driver, key, {"lips": wanted["lips"]})
            click(driver, "next")
            assert text(driver, "message") == "Please answer every question: 3 answers still missing."
            answer(driver, key, wanted)
            orders.append(shown_films(driver))
            click(driver, "next")
        assert "Please send it to Anna." in text(driver, "end")
        click(driver, "save")
        path = saved(tmp_path)
        assert path.name in text(driver, "saved")
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    rows = rows_of(path)
    assert [row["order"].split() for row in rows[:: len(QUESTIONS)]] == orders
    result = tally(key, read_answers(key, [path]))
    assert result["participants"] == 1
    for question, method in wanted.items():
        votes = {name: cell["votes"] for name, cell in result["questions"][question]["methods"].items()}
        assert votes == {name: len(SHOTS) * (name == method) for name in METHODS}


def test_answers_survive_closing_the_page_and_can_be_changed(study, tmp_path):
    key, folder = study
    page = (folder / "page" / "index.html").as_uri()
    with browser(tmp_path) as driver:
        driver.get(page)
        click(driver, "start")
        watch(driver)
        answer(driver, key, dict.fromkeys(QUESTIONS, "ours"))
        before = shown_films(driver)
        click(driver, "next")
        watch(driver)
        driver.get("about:blank")
        driver.get(page)
        assert text(driver, "page-number") == "Page 2 of 2"
        assert text(driver, "watched") == "3 of 3 films seen"
        click(driver, "back")
        assert shown_films(driver) == before
        chosen = [button for button in driver.find_elements("css selector", "input") if button.is_selected()]
        assert len(chosen) == len(QUESTIONS)
        answer(driver, key, {"overall": "warped"})
        click(driver, "next")
        answer(driver, key, dict.fromkeys(QUESTIONS, "redrawn"))
        click(driver, "next")
        click(driver, "save")
        result = tally(key, read_answers(key, [saved(tmp_path)]))
        click(driver, "another")
        assert driver.find_element("id", "welcome").is_displayed()
    assert result["questions"]["drawing"]["methods"]["ours"]["votes"] == 1
    assert result["questions"]["overall"]["methods"]["ours"]["votes"] == 0
    assert result["questions"]["overall"]["methods"]["warped"]["votes"] == 1


def test_orders_belong_to_the_participant(study, tmp_path):
    """By a web server, under names that whoever runs the study gives."""
    _, folder = study

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder / "page")))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}"

    def order(participant: str) -> tuple:
        driver.get(f"{host}/?participant={participant}")
        driver.execute_script("localStorage.clear()")
        driver.refresh()
        click(driver, "start")
        questions = driver.find_elements("css selector", "fieldset")
        return *shown_films(driver), *(field.get_attribute("data-question") for field in questions)

    try:
        with browser(tmp_path) as driver:
            orders = [order(f"p{k}") for k in range(8)]
            assert [order("p0"), order("p5")] == [orders[0], orders[5]]
            asked = driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    finally:
        server.shutdown()
        server.server_close()
    assert len(set(orders)) > 4
    assert asked
    assert all(url.startswith((host, "data:")) for url in asked)


def test_keys_alone_are_enough(study, tmp_path):
    from selenium.webdriver.common.keys import Keys

    _, folder = study
    with browser(tmp_path) as driver:

        def press(*keys: str) -> None:
            driver.switch_to.active_element.send_keys(*keys)

        driver.get((folder / "page" / "index.html").as_uri())
        press(Keys.TAB)
        press(Keys.ENTER)
        for _ in SHOTS:
            assert driver.switch_to.active_element.tag_name == "h1"
            press(Keys.TAB)
            press(Keys.ENTER)
            until(lambda: text(driver, "watched") == "3 of 3 films seen")
            for _ in METHODS:
                press(Keys.TAB)
            for _ in QUESTIONS:
                press(Keys.TAB)
                press(Keys.SPACE)
                press(Keys.ARROW_RIGHT)
            press(Keys.ENTER)
        press(Keys.TAB)
        press(Keys.ENTER)
        rows = rows_of(saved(tmp_path))
    assert len(rows) == len(SHOTS) * len(QUESTIONS)
    assert all(row["choice"] == row["order"].split()[1] for row in rows)
