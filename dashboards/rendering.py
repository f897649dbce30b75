"""Pages from templates: one Jinja2 environment, autoescaped, where a missing name is an error.

Times are aware UTC inside and Asia/Shanghai on the page; a time on a page always carries its exact value and its source
(device, receipt, seat) in the title. "now" is the request's moment, given by the caller: templates never read a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from dashboards import i18n, words
from equipment.access.personal import masked

TEMPLATE_FOLDER = Path(__file__).parent / "templates"
STATIC_FOLDER = Path(__file__).parent / "static"
CHINA = ZoneInfo("Asia/Shanghai")
THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the page."""

    display_name: str
    role: str
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """One entry of the top bar; label is a message id."""

    label: str
    address: str
    current: bool = False


def nobody(action: str) -> bool:
    """The permissions of someone who is not logged in."""
    return False


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page needs besides its own content."""

    now: datetime
    language: str = i18n.DEFAULT_LANGUAGE
    theme: str = "auto"
    path: str = "/"
    query: tuple[tuple[str, str], ...] = ()
    viewer: Viewer | None = None
    navigation: tuple[NavigationItem, ...] = ()
    csrf: str = ""
    permits: Callable[[str], bool] = nobody
    feed_address: str | None = None
    feed_after: int | None = None
    city: str = ""
    hotline: str = "96366"
    city_sign_in: bool = False
    version: str = ""
    demo: bool = False

    @property
    def today(self) -> date:
        """The city's date."""
        return local(self.now).date()

    def with_query(self, **changes: str | int | None) -> str:
        """Give the page's address with some query fields changed; None removes one. A change of filter goes to page one.

        >>> from datetime import datetime, UTC
        >>> Frame(datetime.now(UTC), path="/units", query=(("q", "a"), ("page", "3"))).with_query(sort="name")
        '/units?q=a&sort=name'
        """
        drop = set(changes) | ({"page", "after"} if "page" not in changes and "after" not in changes else set())
        kept = [(name, value) for name, value in self.query if name not in drop]
        kept += [(name, str(value)) for name, value in changes.items() if value is not None]
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    def asked(self, name: str, otherwise: str = "") -> str:
        """The value of one query field."""
        return next((value for key, value in self.query if key == name), otherwise)

    def may(self, action: str) -> bool:
        """Whether who looks may do this; the route decides again when it is done."""
        return self.permits(action)


_frame: ContextVar[Frame] = ContextVar("teshe_frame")


def local(moment: datetime) -> datetime:
    """Civil time of the city."""
    return moment.astimezone(CHINA)


def exact(moment: datetime, source: str | None = None) -> str:
    """Exact time with its source, as the title of a time: ``2026-11-23 14:03:27.120 (device)``."""
    stamp = local(moment)
    text = stamp.strftime("%Y-%m-%d %H:%M:%S")
    if stamp.microsecond:
        text += f".{stamp.microsecond // 1000:03d}"
    text += " UTC+8"
    return f"{text} · {source}" if source else text


def duration_text(span: timedelta, *, fine: bool = False) -> str:
    """A duration in the words of the page: 40 秒, 12 分, 1 时 05 分, 3 天; fine adds the seconds below one hour."""
    seconds = max(0, int(span.total_seconds()))
    minutes, rest = divmod(seconds, 60)
    hours, minutes_rest = divmod(minutes, 60)
    if seconds < 60:
        return i18n.gettext("%(s)s s") % {"s": seconds}
    if minutes < 60 and fine:
        return i18n.gettext("%(m)s min %(s)s s") % {"m": minutes, "s": f"{rest:02d}"}
    if minutes < 60:
        return i18n.gettext("%(m)s min") % {"m": minutes}
    if hours < 48:
        return i18n.gettext("%(h)s h %(m)s min") % {
            "h": hours,
            "m": f"{minutes_rest:02d}",
        }
    return i18n.gettext("%(d)s days") % {"d": hours // 24}


def _time(moment: datetime, text: str, title: str, kind: str = "", **data: str) -> Markup:
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    return Markup('<time datetime="{}" title="{}"{}{}>{}</time>').format(
        moment.isoformat(),
        title,
        Markup(f' class="{kind}"') if kind else "",  # noqa: S704  # a word of ours
        Markup(attributes),  # noqa: S704  # its values are escaped above
        text,
    )


def _missing() -> Markup:
    return Markup('<span class="muted" aria-label="{}">—</span>').format(i18n.gettext("none"))


@pass_context
def time_filter(context: Context, moment: datetime | None, source: str | None = None) -> Markup:
    """14:03:27 today, 11-22 14:03:27 this year, else with the year."""
    if moment is None:
        return _missing()
    here, today = local(moment), local(_frame.get().now)
    pattern = (
        "%H:%M:%S" if here.date() == today.date() else "%m-%d %H:%M:%S" if here.year == today.year else "%Y-%m-%d %H:%M"
    )
    return _time(moment, here.strftime(pattern), exact(moment, source))


@pass_context
def date_filter(context: Context, moment: datetime | date | None) -> Markup | str:
    """The day in the city's time, or the mark of what is not known."""
    if moment is None:
        return _missing()
    if isinstance(moment, datetime):
        return _time(moment, local(moment).strftime("%Y-%m-%d"), exact(moment))
    return moment.isoformat()


@pass_context
def since_filter(context: Context, moment: datetime | None, source: str | None = None) -> Markup:
    """A clock that runs up: 已 12 分."""
    if moment is None:
        return _missing()
    text = i18n.gettext("for %(duration)s") % {"duration": duration_text(_frame.get().now - moment)}
    return _time(moment, text, exact(moment, source), "clock", since=moment.isoformat())


@pass_context
def until_filter(context: Context, moment: datetime | None, near_minutes: int = 10) -> Markup:
    """A clock that runs down and then over: 剩 17 分 / 超 3 分."""
    if moment is None:
        return _missing()
    left = moment - _frame.get().now
    over = left < timedelta(0)
    pattern = i18n.gettext("%(duration)s over") if over else i18n.gettext("%(duration)s left")
    near = left < timedelta(minutes=near_minutes)
    kind = "clock over" if over else "clock near" if near else "clock"
    text = pattern % {"duration": duration_text(abs(left), fine=True)}
    return _time(
        moment,
        text,
        exact(moment),
        kind,
        until=moment.isoformat(),
        near=str(near_minutes * 60),
    )


@pass_context
def ago_filter(context: Context, moment: datetime | None, source: str | None = None) -> Markup:
    """3 分前, without the weight of a running clock."""
    if moment is None:
        return _missing()
    text = i18n.gettext("%(duration)s ago") % {"duration": duration_text(_frame.get().now - moment)}
    return _time(moment, text, exact(moment, source), "ago", ago=moment.isoformat())


@pass_context
def span_filter(context: Context, span: timedelta | float | None, fine: bool = True) -> str | Markup:
    """A finished duration; a bare number is seconds."""
    if span is None:
        return _missing()
    return duration_text(span if isinstance(span, timedelta) else timedelta(seconds=float(span)), fine=fine)


@pass_context
def word_filter(context: Context, code: object, family: str) -> str | Markup:
    """The word of a code; a code without a word is shown hatched."""
    if code is None:
        return Markup('<span class="unknown">{}</span>').format(i18n.gettext("Unknown"))
    text = words.source_text(family, str(code))
    if text is None:
        return Markup('<span class="unknown" title="{}">{}</span>').format(i18n.gettext("Unknown code"), str(code))
    return i18n.gettext(text)


def word_pairs(codes: Iterable[str], family: str) -> list[tuple[str, str]]:
    """Codes with their words, for a choice."""
    return [(code, i18n.gettext(words.source_text(family, code) or code)) for code in codes]


def count_filter(number: float | None, digits: int = 0) -> str | Markup:
    """A count with thousands separators.

    >>> count_filter(12345)
    '12,345'
    """
    return _missing() if number is None else f"{number:,.{digits}f}"


def percent_filter(share: float | None, digits: int = 1) -> str | Markup:
    """A share as a percentage, or the mark of what is not known."""
    return _missing() if share is None else f"{share * 100:.{digits}f}%"


def _script_texts() -> Mapping[str, str]:
    """The few sentences that the browser writes by itself."""
    return {
        "for": i18n.gettext("for %(duration)s"),
        "left": i18n.gettext("%(duration)s left"),
        "over": i18n.gettext("%(duration)s over"),
        "ago": i18n.gettext("%(duration)s ago"),
        "s": i18n.gettext("%(s)s s"),
        "ms": i18n.gettext("%(m)s min %(s)s s"),
        "m": i18n.gettext("%(m)s min"),
        "hm": i18n.gettext("%(h)s h %(m)s min"),
        "d": i18n.gettext("%(d)s days"),
        "feedLive": i18n.gettext("Live"),
        "feedConnecting": i18n.gettext("Connecting"),
        "feedStale": i18n.gettext("Feed stale"),
        "feedWhyDatabase": i18n.gettext("the server cannot read its database"),
        "feedWhySequencer": i18n.gettext("messages wait on the server to be numbered"),
        "feedWhyIncidents": i18n.gettext("alarms or calls wait on the server to become incidents"),
        "feedWhySilent": i18n.gettext("the server is not heard"),
        "feedWhyRefused": i18n.gettext("your session has ended: sign in again"),
        "network": i18n.gettext("Not sent: no connection to the server. Nothing was lost; send it again."),
        "schematic": i18n.gettext("Schematic outlines, not a survey"),
    }


class Renderer:
    """Renders one template for one frame. Safe to share between threads: the language lives in the context."""

    def __init__(self, templates: Path = TEMPLATE_FOLDER) -> None:
        self._translations = i18n.read_all()
        self.environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        self.environment.install_gettext_callables(  # type: ignore[attr-defined]
            i18n.gettext,
            i18n.ngettext,
            newstyle=True,
            pgettext=i18n.pgettext,
            npgettext=i18n.npgettext,
        )
        self.environment.filters.update(
            time=time_filter,
            date=date_filter,
            since=since_filter,
            until=until_filter,
            ago=ago_filter,
            span=span_filter,
            word=word_filter,
            count=count_filter,
            masked=masked,
            percent=percent_filter,
        )
        self.environment.globals.update(
            languages=i18n.LANGUAGE_NAMES,
            themes=THEMES,
            script_texts=_script_texts,
            timedelta=timedelta,
            pairs=word_pairs,
        )

    def render(self, template: str, frame: Frame, /, **values: Any) -> str:
        """The page as text.

        Raises
        ------
        jinja2.UndefinedError
            If the template names something that was not given.
        """
        token = _frame.set(frame)
        try:
            with i18n.speaking(self.translations(frame.language)):
                return self.environment.get_template(template).render(frame=frame, **values)
        finally:
            _frame.reset(token)

    def translations(self, language: str) -> i18n.Translations:
        """The texts of a language that we have."""
        return self._translations[i18n.choose_language(language)]

    def template_names(self) -> Iterable[str]:
        """Every template of the product."""
        return self.environment.list_templates(extensions=["html"])
