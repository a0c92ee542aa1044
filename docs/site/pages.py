"""Puts the documentation's pages where mkdocs reads them, with links that work there.

The Markdown files are written for GitHub, where links lead anywhere in the repository. In the site a link leads to
- the page of a Markdown file: docs/NAME.md is NAME.md, and README.md and its like have names of their own (ROOT_PAGES);
- a page that shows the file, for any other file of the repository: files/PATH.md;
- nowhere, for a folder: only the link's text stays.
A link to what does not exist is an error. mkdocs and GitHub also differ about | in a table's code (with_pipes).
"""
import html
import os
import pathlib
import re
import shutil

ROOT_PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "security.md",
              "CHANGELOG.md": "changelog.md"}
IMAGES = {".svg", ".png"}
LANGUAGES = {".yml": "yaml", ".json": "json", ".h": "cpp", ".cc": "cpp", ".py": "python", ".in": "ini"}

FENCE = re.compile(r"^( *)(`{3,}|~{3,})[^\n]*\n.*?^\1\2[ \t]*$", re.M | re.S)
LINK = re.compile(r"(!?)\[([^\[\]]*)\]\(([^()\s]+)\)")
PIPED = re.compile(r"`([^`\n]*\\\|[^`\n]*)`")
ABSOLUTE = re.compile(r"[a-z]+:")


class Pages:
    def __init__(self, root, target):
        self.root, self.target = root, target
        self.pages = {name: page for name, page in ROOT_PAGES.items() if (root / name).exists()}
        self.pages |= {f"docs/{path.name}": path.name for path in sorted(root.glob("docs/*.md"))}
        self.files, self.images = set(), set()

    def write(self):
        for source, page in self.pages.items():
            self.put(page, self.translated(source, page, (self.root / source).read_text()))
        for path in sorted(self.files):
            self.put(file_page(path), self.shown(path))
        for path in sorted(self.images):
            shutil.copy(self.root / path, self.target / pathlib.Path(path).name)

    def put(self, page, text):
        path = self.target / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def translated(self, source, page, text):
        out, end = [], 0
        for fence in FENCE.finditer(text):
            out += [self.with_links(source, page, text[end:fence.start()]), fence[0]]
            end = fence.end()
        return "".join([*out, self.with_links(source, page, text[end:])])

    def with_links(self, source, page, text):
        """`text` has no fenced code."""
        def link(match):
            mark, label, target = match.groups()
            paragraph = text.rfind("\n\n", 0, match.start()) + 1
            if text.count("`", paragraph, match.start()) % 2 == 1 or target.startswith("#") or ABSOLUTE.match(target):
                return match[0]
            path, hash_, anchor = target.partition("#")
            path = os.path.normpath(os.path.join(os.path.dirname(source), path))
            to = self.place_of(source, path)
            if to is None:
                return label
            return f"{mark}[{label}]({os.path.relpath(to, os.path.dirname(page) or '.')}{hash_}{anchor})"
        return with_pipes(LINK.sub(link, text))

    def place_of(self, source, path):
        if path in self.pages:
            return self.pages[path]
        if (self.root / path).is_dir():
            return None
        if not (self.root / path).is_file():
            raise SystemExit(f"{source}: a link leads to {path}, which does not exist")
        if pathlib.Path(path).suffix in IMAGES:
            self.images.add(path)
            return pathlib.Path(path).name
        self.files.add(path)
        return file_page(path)

    def shown(self, path):
        text = (self.root / path).read_text()
        ticks = max([2, *(len(run) for run in re.findall(r"`+", text))]) + 1
        fence, language = "`" * ticks, LANGUAGES.get(pathlib.Path(path).suffix, "bash" if text.startswith("#!") else "text")
        return f"---\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n# {path}\n\n{fence}{language}\n{text.rstrip()}\n{fence}\n"


def file_page(path):
    """mkdocs leaves out what begins with a dot."""
    return "files/" + re.sub(r"(^|/)\.", r"\1", path) + ".md"


def with_pipes(text):
    """`a\\|b` in a table: Markdown of Python's would show the backslash, so the code becomes HTML."""
    def code(match):
        return f"<code>{html.escape(match[1].replace(chr(92) + '|', '|'), quote=False).replace('|', '&#124;')}</code>"
    return "\n".join(PIPED.sub(code, line) if line.startswith("|") else line for line in text.split("\n"))
