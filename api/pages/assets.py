"""The static files of the API documentation page: a fixed list, read when first asked for.

`start.html` is served at `/`, `docs.html` at `/docs`, everything else below `/docs/`; pages find their files and
`openapi.json` by relative links, so they work behind a path prefix too.
"""

from functools import cache
from importlib.resources import files
from typing import Final

DOCS_PAGE: Final = "docs.html"
START_PAGE: Final = "start.html"

# No inline script anywhere. Swagger UI writes style attributes and draws its icons from data: addresses.
DOCS_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_ASSETS: Final = {
    DOCS_PAGE: ("static/docs.html", "text/html; charset=utf-8"),
    START_PAGE: ("static/start.html", "text/html; charset=utf-8"),
    "docs.css": ("static/docs.css", "text/css; charset=utf-8"),
    "docs.js": ("static/docs.js", "text/javascript; charset=utf-8"),
    "swagger-ui.css": ("static/swagger-ui/swagger-ui.css", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": ("static/swagger-ui/swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    "favicon-32x32.png": ("static/swagger-ui/favicon-32x32.png", "image/png"),
    "LICENSE": ("static/swagger-ui/LICENSE", "text/plain; charset=utf-8"),
}


def asset(path: str) -> tuple[bytes, str] | None:
    """Content and media type of one file; None for any path that is not on the list."""
    if path not in _ASSETS:
        return None
    return _load(path)


@cache
def _load(path: str) -> tuple[bytes, str]:
    place, media_type = _ASSETS[path]
    return files("api.pages").joinpath(place).read_bytes(), media_type
