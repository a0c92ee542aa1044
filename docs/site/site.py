#!/usr/bin/env python3
"""site.py EMBEDD FOLDER: writes what mkdocs reads into FOLDER."""
import pathlib
import shutil
import sys

from pages import Pages
from reference import Reference

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def write(embedd, folder):
    pages = folder / "pages"
    shutil.rmtree(folder, ignore_errors=True)
    pages.mkdir(parents=True)
    shutil.copy(HERE / "mkdocs.yml", folder)
    for name in ("site.css", "iframe-worker.js"):
        shutil.copy(HERE / name, pages)
    place = Pages(ROOT, pages)
    place.write()
    for page, text in Reference(ROOT, embedd).pages().items():
        place.put(page, text)


write(sys.argv[1], pathlib.Path(sys.argv[2]))
