#!/usr/bin/env python3
"""check.py SITE PAGES: whether the site can be read from files, and says what GitHub would show.

Each link leads to a page of the site and, within the page, to a place. Nothing is fetched from elsewhere. Each page has the
text, lists, tables and code that CommonMark, GitHub's notation, makes of the page's Markdown.
"""
import collections
import html.parser
import pathlib
import re
import sys
import urllib.parse

from markdown_it import MarkdownIt

COUNTED = ("h1", "h2", "h3", "h4", "ol", "ul", "li", "table", "tr", "td", "pre", "code", "em", "strong", "p", "img")


class Page(html.parser.HTMLParser):
    """What a page links to, what it fetches, the places that links can lead to, and its content."""

    def __init__(self, text, inside="article"):
        super().__init__()
        self.links, self.fetched, self.places = [], [], {""}
        self.inside, self.content, self.hidden = inside, inside is None, None
        self.counts, self.words = collections.Counter(), []
        self.feed(text)
        self.text = re.sub(r"\s+", "", "".join(self.words))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.places |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        elif tag == "link" and values.get("rel") not in ("canonical", "next", "prev"):
            self.fetched.append(values["href"])
        elif tag in ("script", "img", "iframe", "source") and values.get("src"):
            self.fetched.append(values["src"])
        if tag == self.inside:
            self.content = True
        if self.content and tag in COUNTED:
            self.counts[tag] += 1
        if tag in ("script", "style") or "headerlink" in values.get("class", ""):
            self.hidden = tag

    def handle_endtag(self, tag):
        if tag == self.inside:
            self.content = False
        if tag == self.hidden:
            self.hidden = None

    def handle_data(self, data):
        if self.content and not self.hidden:
            self.words.append(data)


def wrong_links(site, pages):
    for path, page in pages.items():
        for target in page.links + page.fetched:
            parts = urllib.parse.urlsplit(target)
            if parts.scheme or parts.netloc:
                if target in page.fetched and parts.scheme != "data":
                    yield f"{path.relative_to(site)} fetches {target}"
                continue
            to = (path.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else path
            to = to / "index.html" if to.is_dir() else to
            place = urllib.parse.unquote(parts.fragment)
            if not to.is_file() or (to in pages and not place.startswith("__") and place not in pages[to].places):
                yield f"{path.relative_to(site)} leads to {target}, which is not there"


def wrong_content(site, pages, sources):
    notation = MarkdownIt("commonmark").enable("table")
    for source in sorted(sources.rglob("*.md")):
        name = source.relative_to(sources)
        if name.parts[0] == "files":
            continue
        wanted, page = Page(notation.render(source.read_text()), None), pages[site / name.with_suffix(".html")]
        for tag in COUNTED:
            if wanted.counts[tag] != page.counts[tag]:
                yield f"{name}: {page.counts[tag]} of <{tag}>, where CommonMark makes {wanted.counts[tag]}"
        if wanted.text != page.text:
            at = next((at for at, (one, other) in enumerate(zip(wanted.text, page.text)) if one != other), 0)
            yield f"{name}: the text differs: {page.text[max(0, at - 30):at + 30]!r}, not {wanted.text[max(0, at - 30):at + 30]!r}"


def main():
    site, sources = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    pages = {path: Page(path.read_text()) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}
    wrong = [*wrong_links(site, pages), *wrong_content(site, pages, sources)]
    links = sum(len(page.links) for page in pages.values())
    if wrong or links < 1000:
        sys.exit("\n".join([*wrong, f"{len(pages)} pages with {links} links"]))
    print(f"{len(pages)} pages with {links} links")


main()
