"""The address of a node itself leads somewhere."""

import re

from tests.api.conftest import Api


def test_the_root_says_where_things_are(empty: Api) -> None:
    empty.node.dev = False
    places = empty.read("/")
    assert places["docs"] == "/docs"
    assert empty.get(places["docs"]).status_code == 200
    assert empty.get(places["health"]).json() == {"status": "ok"}
    assert empty.get(places["node"]).status_code == 401


def test_a_browser_gets_a_page_whose_links_are_there(empty: Api) -> None:
    page = empty.get("/", accept="text/html,application/xhtml+xml")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r'href="([^"]+)"', page.text)
    assert "docs" in links
    assert [link for link in links if empty.get(f"/{link}").status_code != 200] == []
