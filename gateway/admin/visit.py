"""One request to the console: who asks, in which language, with which form; and how it is answered."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aiohttp import web
from yarl import URL

from gateway.admin.door import Session
from gateway.admin.told import tell
from gateway.admin.words import LANGUAGES, words
from routing.languages import language_name

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Strict-Transport-Security": "max-age=31536000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request of somebody's; `session` is None for one who isn't in; `by_slack` says that they may come by Slack."""

    http: web.Request
    language: str
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    by_slack: bool = False

    def __getitem__(self, name: str) -> str:
        """Give a part of the address."""
        return self.http.match_info[name]

    @property
    def who(self) -> str:
        """Name who it is, for the audit."""
        return self.session.who if self.session else ""

    def page(self, template: str, *, status: int = 200, **facts: Any) -> web.Response:
        """Answer with a page."""
        told = {"visit": self, "languages": LANGUAGES, "said": self.http.query.get("said", ""), **facts}
        text = environment(self.language).get_template(template).render(told)
        return web.Response(text=text, content_type="text/html", status=status, headers=HEADERS)

    def leave_for(self, path: str, **query: str) -> web.Response:
        """Answer that the browser go on to another page; `said` names what is told there."""
        where = URL.build(path=path, query=query)
        return self.leave_for_elsewhere(str(where))

    @staticmethod
    def leave_for_elsewhere(address: str) -> web.Response:
        """Answer that the browser go on to another site."""
        return web.Response(status=303, headers={**HEADERS, "Location": address})


Page = Callable[[Visit], Awaitable[web.StreamResponse]]


@cache
def environment(language: str) -> "Environment":
    """Give what renders pages in a language; Jinja takes a tenth of a second, which most processes never need."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    known = words(language)
    made = Environment(
        loader=PackageLoader("gateway.admin"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's
        lambda text: known.get(text, text),
        lambda one, many, number: known.get(one if number == 1 else many, one if number == 1 else many),
        newstyle=True,
    )
    made.globals["told"] = partial(_told, language)
    made.globals["language_called"] = lambda tag: tell(language, language_name(tag))
    return made


def _told(language: str, text: str) -> "Markup":
    """Tell of what is wrong; what stays English is marked so, for those who have pages read to them."""
    from markupsafe import Markup, escape

    said = tell(language, text)
    return escape(said) if said != text else Markup('<span lang="en">{}</span>').format(text)
