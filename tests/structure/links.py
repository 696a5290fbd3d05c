"""Every relative link of the given Markdown files (and folders of them) must lead to a file, and to a heading if it names one.

usage: links.py <file or folder>...
"""

import re
import sys
from pathlib import Path

LINK = re.compile(r"(?<!\!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")


def anchors(text):
    """Names of headings, as common Markdown renderers derive them."""
    found = set()
    for heading in re.findall(r"^#{1,6}[ \t]+(.*)$", FENCE.sub("", text), re.MULTILINE):
        heading = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", heading).replace(" ", "-"))
    return found


def broken(file):
    text = file.read_text(encoding="utf-8")
    for match in LINK.finditer(CODE.sub("", FENCE.sub("", text))):
        target = match.group(1) or match.group(2)
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        goal = file.parent / path if path else file
        if not goal.exists():
            yield f"{file}: {target}: no such file"
        elif anchor and goal.suffix == ".md" and anchor not in anchors(goal.read_text(encoding="utf-8")):
            yield f"{file}: {target}: no such heading"


def main(arguments):
    files = []
    for argument in map(Path, arguments):
        if not argument.exists():
            print(f"{argument}: no such file")
            return 1
        files += sorted(argument.rglob("*.md")) if argument.is_dir() else [argument]
    found = [line for file in files for line in broken(file)]
    print("\n".join(found + [f"{len(files)} pages, {len(found)} broken links"]))
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
