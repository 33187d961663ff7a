"""The documentation page: complete, offline, and strict about scripts."""

import re
from pathlib import Path

import pytest

from api.pages import assets
from api.pages.assets import DOCS_CONTENT_SECURITY_POLICY, DOCS_PAGE, asset

LINK = re.compile(r"""(?:src|href)="([^"]*)\"""")


def page() -> str:
    found = asset(DOCS_PAGE)
    assert found is not None
    content, media_type = found
    assert media_type == "text/html; charset=utf-8"
    return content.decode()


def test_every_file_the_page_asks_for_is_served_by_the_node() -> None:
    links = LINK.findall(page())
    assert len(links) == 6
    for link in links:
        if link != "openapi.json":
            found = asset(link.removeprefix("docs/"))
            assert found is not None, link
            assert len(found[0]) > 100


def test_the_page_has_no_inline_script_and_asks_nobody_else() -> None:
    assert re.findall(r"<script(?![^>]*\bsrc=)", page()) == []
    assert re.findall(r"\son\w+=|<style|style=|//", page()) == []
    assert "script-src 'self';" in DOCS_CONTENT_SECURITY_POLICY
    starter = asset("docs.js")
    assert starter is not None
    assert b"validatorUrl: null" in starter[0]
    assert b'url: "openapi.json"' in starter[0]
    assert not re.search(rb"https?:", starter[0])


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("docs.css", "text/css; charset=utf-8"),
        ("docs.js", "text/javascript; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
        ("LICENSE", "text/plain; charset=utf-8"),
    ],
)
def test_files_have_their_media_type(path: str, media_type: str) -> None:
    found = asset(path)
    assert found is not None
    assert found[1] == media_type


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "..",
        "../assets.py",
        "static/docs.html",
        "swagger-ui/LICENSE",
        "/etc/passwd",
        "docs.html\0",
        "%2e%2e",
    ],
)
def test_a_path_that_is_not_on_the_list_is_nothing(path: str) -> None:
    assert asset(path) is None


def test_the_licence_and_the_notice_travel_with_the_files() -> None:
    folder = Path(assets.__file__).parent / "static" / "swagger-ui"
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert "SmartBear" in (folder / "NOTICE").read_text()
    assert (folder / "swagger-ui-bundle.js.LICENSE.txt").stat().st_size > 1_000


def test_the_page_begins_closed_with_contents_and_a_search() -> None:
    assert 'id="search"' in page()
    assert 'id="contents"' in page()
    starter = asset("docs.js")
    assert starter is not None
    assert b'docExpansion: "none"' in starter[0]
