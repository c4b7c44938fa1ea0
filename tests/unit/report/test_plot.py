"""The plot of a front: its content against tables made by hand, and what it does in a real browser."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from test_report import FRONT, METRICS, REPAIRED, html_of, page_of, tables

from paretopress.report.comparison import comparison
from paretopress.report.networks import Drawn, NetworkPage
from paretopress.report.plot import Point, Series, front_plot
from paretopress.runs.tables import iteration_columns

EXPORT = "paretopress export --configfile results/s/config.yaml"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# The front, a design that misses the floor, one far under it, and one that misses it by little.
EVALUATIONS = pd.concat(
    [
        FRONT.head(2).assign(feasible=True),
        FRONT.head(1).assign(design_id="missed", accuracy=0.65, feasible=False),
        FRONT.head(1).assign(design_id="far", accuracy=0.1, feasible=False),
    ]
)
BYTES = METRICS | {"dense_bytes": 12_000_000}


def plot_of(page: NetworkPage, split: str = "validation", **others) -> dict:
    """The plot as the browser reads it."""
    return json.loads(json.dumps(front_plot(page, EVALUATIONS, split, EXPORT, **others)))


def points_of(plot: dict) -> dict[str, dict]:
    return {point["id"]: point for one in plot["series"] for point in one["points"]}


def test_a_design_is_told_with_its_sizes_accuracies_and_moves_and_with_its_command():
    plot = plot_of(page_of(metrics=BYTES, size="bytes"))
    assert list(points_of(plot)) == ["a", "b", "dense"]
    first = points_of(plot)["a"]
    assert (first["x"], first["y"], first["test"]) == (0.1, 0.8, 0.7)
    assert first["command"] == f"{EXPORT} n a"
    assert dict(first["details"]) == {
        "packed": "1.200 of 12.000 MB (10.0 %)",
        "non-zero weights": "20.0 %",
        "accuracy (validation)": "80.00 %",
        "accuracy (test)": "70.00 %, below the floor of 72.00 %",
        "Linear layers": "50.0% of the biases zero, all layers; computed in int8",
        "convolutions": "25.0% of the weights zero, a random subset",
        "found by": "weak, seed 1",
    }
    assert points_of(plot)["dense"]["command"] == ""
    assert plot["first"] == "b", "the smallest that keeps the floor on the test images too"


def test_the_axes_floors_and_clouds_are_those_of_the_figure():
    plot = plot_of(page_of(metrics=BYTES, size="bytes"))
    assert plot["x"]["ends"] == [pytest.approx(0.08), 1.25]
    assert plot["x"]["ticks"] == [0.1, 0.2, 0.5, 1.0]
    assert plot["floors"] == [["floor (70.0 %)", 0.7], ["floor on test images", 0.72]]
    lowest, top = plot["y"]["ends"]
    assert 0.6 < lowest < 0.65
    assert top > 0.9
    assert {one["name"]: one["points"] for one in plot["clouds"]} == {
        "keeps the floor (2)": [[0.1, 0.8], [0.3, 0.85]],
        "under the floor (1)": [[0.1, 0.65]],
    }
    shares = plot_of(page_of())
    assert shares["x"]["ticks"] is None
    assert points_of(shares)["a"]["x"] == 0.2


def test_a_network_of_tables_has_no_command_and_no_test_images():
    plot = plot_of(page_of(measured={}), split="validation")
    assert plot["first"] == "a"
    for point in points_of(plot).values():
        assert (point["command"], point["test"]) == ("", None)
        assert "accuracy (reported)" in dict(point["details"])
    assert plot["y"]["label"] == "accuracy (%)"


def test_the_dense_network_repaired_is_a_point_and_a_search_on_test_images_has_no_others():
    page = page_of(metrics=METRICS | {"repaired": REPAIRED})
    repaired = points_of(plot_of(page))["repaired"]
    assert (repaired["x"], repaired["y"], repaired["test"]) == (1.0, 0.9123, 0.8321)
    on_test = plot_of(page_of(), split="test")
    assert {point["test"] for point in points_of(on_test).values()} == {None}
    assert len(on_test["floors"]) == 1


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        why = f"no browser here: install one of {', '.join(BROWSERS)}"
        required = os.environ.get("BROWSER_TESTS") == "required" or (
            os.environ.get("CI") and sys.platform == "linux"
        )
        assert not required, f"{why}; here these tests must run"
        pytest.skip(why)
    with sync_playwright() as tools:
        started = tools.chromium.launch(executable_path=found)
        yield started
        started.close()


TUNED = Series(
    "fine-tuned (1)", "#009e73", "circle", 6,
    [Point("a-tuned", 0.1, 0.88, None, "design a, fine-tuned", [("accuracy", "88.00 %")])],
)  # fmt: skip
FIGURE = '<svg viewBox="0 0 72 44"><path d="M0 0H72V44z"/></svg>'
COMMAND = f"{EXPORT} n a"
# Where a point is in its plot, in pixels.
PLACE = """([network, id]) => {
    const canvas = document.querySelector(`#plot-of-${network} canvas`), {scales} = Chart.getChart(canvas);
    const plot = JSON.parse(document.querySelector(`#plot-of-${network} .data`).textContent);
    const point = plot.series.flatMap(({points}) => points).find((one) => one.id === id);
    return {x: scales.x.getPixelForValue(point.x), y: scales.y.getPixelForValue(point.y)};
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """The address of a report."""
    page = page_of(metrics=BYTES, size="bytes")
    page = replace(page, figures={name: Drawn(FIGURE, name) for name in ("front", "hypervolume")})
    file = tmp_path_factory.mktemp("report") / "report.html"
    plot = front_plot(page, EVALUATIONS, "validation", EXPORT, [TUNED])
    file.write_text(html_of(page, plots={"n": plot}), encoding="utf-8")
    return file.as_uri()


@contextmanager
def opened(
    browser: Browser, report: str, width: int = 1200, height: int = 900, **options
) -> Iterator[Page]:
    """The report in a browser, which asks for nothing else and finds nothing wrong."""
    context = browser.new_context(viewport={"width": width, "height": height}, **options)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(report)
    yield page
    assert (asked, said) == ([report], [])
    context.close()


def place(page, design: str) -> dict[str, float]:
    return page.evaluate(PLACE, ["n", design])


SCREENS = [(1200, 900), (420, 800)]


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_a_design_is_pointed_at_chosen_and_copied(browser, report, width, height):
    with opened(browser, report, width, height) as page:
        tip, chosen, command = (page.locator(name) for name in (".tip", ".chosen", ".command"))
        assert command.inner_text() == f"{EXPORT} n b"
        assert tip.is_hidden()
        page.locator("canvas").hover(position=place(page, "a"))
        shown = tip.inner_text()
        for words in ("design a", "1.200 of 12.000 MB", "70.00 %, below the floor of 72.00 %"):
            assert words in shown
        assert command.inner_text() == f"{EXPORT} n b", "not yet chosen"
        page.locator("canvas").click(position=place(page, "a"))
        assert "25.0% of the weights zero, a random subset" in chosen.inner_text()
        assert command.inner_text() == COMMAND
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("status").filter(has_text="Copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == COMMAND
        page.locator("canvas").click(position=place(page, "dense"))
        assert "dense network" in chosen.inner_text()
        assert command.is_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        edges = page.locator(".tip").bounding_box()
        assert 0 <= edges["x"] <= edges["x"] + edges["width"] <= width


def test_a_finger_near_a_point_chooses_it(browser, report):
    with opened(browser, report, 420, 800, has_touch=True) as page:
        spot = place(page, "a")
        page.locator("canvas").tap(position={"x": spot["x"] - 10, "y": spot["y"] - 10})
        assert page.locator(".command").inner_text() == COMMAND
        assert "design a" in page.locator(".tip").inner_text()
        page.locator("canvas").tap(position={"x": spot["x"] + 60, "y": spot["y"] + 60})
        assert page.locator(".tip").is_hidden()
        assert page.locator(".command").inner_text() == COMMAND


def test_the_keyboard_alone_reaches_chooses_and_copies(browser, report):
    with opened(browser, report) as page:
        page.get_by_role("link", name="Config").focus()
        page.keyboard.press("Tab")
        plot = page.get_by_role("listbox", name="Networks of n, smallest first")
        assert plot.evaluate("node => node === document.activeElement"), "one stop after the links"
        told = []
        for key in ("Home", "ArrowRight", "ArrowUp", "End", "ArrowRight", "ArrowLeft", "Home"):
            page.keyboard.press(key)
            told.append(page.locator(".tip b").inner_text())
        names = "design a", "design a, fine-tuned", "design b", "dense network"
        assert told == [*names, names[3], names[2], names[0]]
        current = page.locator(f"[id='{plot.get_attribute('aria-activedescendant')}']")
        assert current.inner_text().startswith("design a, packed 1.200 of 12.000 MB")
        page.keyboard.press("Enter")
        assert current.get_attribute("aria-selected") == "true"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.get_by_role("status").filter(has_text="Copied.").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == COMMAND
        assert page.locator(".tip").is_hidden()


def test_a_page_without_the_clipboard_copies_what_it_selects(browser, report):
    with opened(browser, report) as page:
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        page.get_by_role("link", name="a", exact=True).click()  # in the table of the front
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("status").filter(has_text="Copied.").wait_for()
        assert page.evaluate("getSelection().toString()") == COMMAND
        other = page.context.new_page()
        other.goto(report)
        assert other.evaluate("navigator.clipboard.readText()") == COMMAND


def test_the_figure_stands_for_the_plot_in_print_and_without_scripts(browser, report):
    with opened(browser, report) as page:
        plot = page.locator(".plot")
        figures = [page.locator(f"#figure-{name}-n > svg") for name in ("front", "hypervolume")]
        assert plot.is_visible()
        assert [figure.is_visible() for figure in figures] == [False, True]
        page.emulate_media(media="print")
        assert plot.is_hidden()
        assert [figure.is_visible() for figure in figures] == [True, True]
    with opened(browser, report, java_script_enabled=False) as page:
        assert page.locator(".plot").is_hidden()
        assert page.locator("#figure-front-n > svg").is_visible()


def test_a_report_has_the_library_once_and_the_same_bytes_each_time():
    page = replace(page_of(), figures={"front": Drawn(FIGURE, "front")})
    other = replace(page, name="other")
    plots = {one.name: front_plot(one, EVALUATIONS, "validation", EXPORT) for one in (page, other)}
    compared = comparison("n", tables(), pd.DataFrame(columns=iteration_columns()), 10)
    both = {"pages": [page, other], "comparisons": [compared, compared], "plots": plots}
    html = html_of(page, **both)
    assert html.count("* Chart.js v") == 1
    assert html.count('<div class="plot"') == 2
    assert "sourceMappingURL" not in html
    assert html == html_of(page, **both)
    assert "Chart.js" not in html_of(page)
