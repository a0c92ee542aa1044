"""Writes the site's reference: what the program says of its commands and settings, and the sources of metrics and errors.

Nothing of it is kept in the repository, so it is always that of the binary at hand. What cannot be read is an error.
"""
import json
import re
import subprocess

from pages import with_pipes

LEFT_OUT = {"-h,--help", "--json"}  # every command has them


class Reference:
    def __init__(self, root, embedd):
        self.root, self.embedd = root, embedd

    def pages(self):
        return {"reference/commands.md": self.commands(), "reference/settings.md": self.settings(),
                "reference/metrics.md": self.metrics(), "reference/errors.md": self.errors()}

    def said(self, *arguments):
        return subprocess.run([self.embedd, *arguments], check=True, capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}).stdout

    def commands(self):
        top = Help(self.said("--help"))
        out = ["# Commands\n", f"{top.intro}.\n", "What `embedd COMMAND --help` prints. Every command takes `--json`, and every "
               "[setting](settings.md) is also a flag.\n", *(f"{line}\n" for line in top.footer if line.startswith("Exit codes"))]
        out += [table(("command", ""), ((f"[`{name}`](#{name})", text) for name, text in top.sections["Subcommands"]))]
        for name, _ in top.sections["Subcommands"]:
            out += self.command([name], 2)
        return "\n".join(out)

    def command(self, words, level):
        help_ = Help(self.said(*words, "--help"))
        out = [f"{'#' * level} {' '.join(words)}\n", f"{escaped(help_.intro)}.\n", f"```text\n{help_.usage}\n```\n"]
        rows = [row_of(*item) for title in ("Positionals", "Options") for item in help_.sections.get(title, [])
                if item[0] not in LEFT_OUT]
        if rows:
            out.append(table(("argument", ""), rows))
        for name, _ in help_.sections.get("Subcommands", []):
            out += self.command([*words, name], level + 1)
        return out

    def settings(self):
        intro, _, rest = self.said("--help-settings").partition("\n\n")
        rows = []
        for name, kind, text in re.findall(r"^(\w+)\n    (.+)\n    (.+)$", rest, re.M):
            variable, kind, *default = re.split(r", (?![^()]*\))", kind, maxsplit=2)
            value = "".join(f"<br>`{each.removeprefix('default ')}`" for each in default)
            rows.append((f"`{name}`<br>`{variable}`", escaped(kind) + value, escaped(text)))
        if len(rows) * 3 != len(rest.strip().split("\n")):
            raise SystemExit("--help-settings is not three lines for each setting")
        return "\n".join(["# Settings\n", "What `embedd --help-settings` prints. [operations.md](../operations.md#configuration) "
                          "says more of them.\n", f"{escaped(intro)}\n", table(("setting, variable", "value, default", ""), rows)])

    def metrics(self):
        out = ["# Metrics\n", "What `GET /metrics` has, in the text format of Prometheus. [operations.md](../operations.md#health-and-metrics) "
               "says when to raise an alarm.\n"]
        for title, name in (("Of the worker", "metrics.cc"), ("Of the search service", "request_metrics.cc")):
            text = (self.root / "src/observe" / name).read_text()
            out += [f"## {title}\n", table(("metric", "type", "labels", ""), metrics_of(name, text))]
        return "\n".join(out)

    def errors(self):
        footer = " ".join(Help(self.said("--help")).footer)
        codes = re.findall(r"(\d) (.+?)(?=, \d |\.(?: |$))", footer)
        enum = re.search(r"enum class ErrorKind \{(.*?)\};", (self.root / "src/base/error.h").read_text(), re.S)[1]
        kinds = re.findall(r"^ +(\w+), +///< (.+)$", enum, re.M)
        if len(codes) != 4 or len(kinds) != len(re.findall(r"^ +\w+,", enum, re.M)):
            raise SystemExit("exit codes or kinds of errors cannot be read")
        out = ["# Errors\n", "## Exit codes\n", table(("code", ""), ((f"`{code}`", escaped(text)) for code, text in codes)),
               "## Kinds\n", "An error's kind says its consequence. Dead letters, the log and metrics name it.\n",
               table(("kind", ""), ((f"`{kind}`", escaped(text)) for kind, text in kinds)), "## Of the search service\n",
               "Refusals are `application/problem+json`. [search.md](../search.md#running-it) lists their codes. "
               "`GET /openapi.json` has the whole description.\n"]
        paths = json.loads((self.root / "src/serve/openapi.json").read_text())["paths"]
        for path, members in paths.items():
            for method in ("get", "post"):
                if method not in members:
                    continue
                operation = members[method]
                rows = ((f"`{status}`", escaped(answer["description"])) for status, answer in operation["responses"].items())
                out += [f"### {method.upper()} {escaped(path)}\n", f"{escaped(operation.get('summary', ''))}.\n",
                        table(("status", ""), rows)]
        return "\n".join(out)


class Help:
    """What --help prints: a sentence, the usage, sections of items, and lines below."""

    def __init__(self, text):
        lines = text.rstrip().split("\n")
        self.intro, self.usage = lines[0].rstrip("."), lines[1].removeprefix("Usage: ")
        self.sections, self.footer, items = {}, [], None
        for number, line in enumerate(lines[2:], 2):
            if re.fullmatch(r"[A-Z]\w+:", line):
                items = self.sections.setdefault(line[:-1], [])
            elif line.startswith(" " * 30):
                items[-1] = (items[-1][0], line.strip())
            elif line.startswith("  "):
                alone = number + 1 < len(lines) and lines[number + 1].startswith(" " * 30)
                items.append((line.strip(), "") if alone else (line[2:30].strip(), line[30:].strip()))
            elif line:
                self.footer.append(line)


def row_of(name, text):
    """--once Excludes: --serve -> `--once`, …; not with --serve"""
    name, *rules = re.split(r" (?=REQUIRED|Excludes: |Needs: )", name)
    words = {"REQUIRED": "required", "Excludes:": "not with", "Needs:": "only with"}
    said = ["{} {}".format(words[rule.split()[0]], " ".join(f"`{flag}`" for flag in rule.split()[1:])).strip() for rule in rules]
    return f"`{name}`", escaped(text) + "".join(f"; {each}" for each in said)


def metrics_of(name, text):
    strings = r'((?:"[^"]*"\s*)+)'
    found = re.findall(rf'(\w+)\s*=\s*(counter|gauge|histogram)\(\s*"(embedd_\w+)",\s*{strings}\)', text)
    found += [("", kind.lower(), metric, help_) for metric, help_, kind in
              re.findall(rf'\.name = "(embedd_\w+)",\s*\.help = {strings},\s*\.type = \w+::\w+::(\w+)', text)]
    if {metric for _, _, metric, _ in found} != set(re.findall(r'"(embedd_\w+)"', text)):
        raise SystemExit(f"not every metric of {name} can be read")
    for variable, kind, metric, help_ in found:
        added = " ".join(re.findall(rf"\b{variable}\s*\.Add\(\s*(\{{\{{.*?\}}\}})", text, re.S)) if variable else ""
        labels = dict.fromkeys(re.findall(r'\{"(\w+)",', added))
        yield f"`{metric}`", kind, ", ".join(f"`{label}`" for label in labels), escaped("".join(re.findall(r'"([^"]*)"', help_)))


def table(head, rows):
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return with_pipes("\n".join(lines) + "\n")


def escaped(text):
    """Plain text as Markdown; what it has in backticks stays code."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(r"([\\*_\[\]<>|{}#])", r"\\\1", parts[index])
    return "`".join(parts)
