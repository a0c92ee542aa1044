"""Loads a row as an ORM's object, and saves it later, whole: orm_saves.py django|sqlalchemy load|save URL FILE.

Between the two the object lies in FILE, as it does in the memory of a web application for as long as a request takes.
"""
import pickle
import sys

import psycopg2
from psycopg2.extensions import parse_dsn

orm, what, url, path = sys.argv[1:]


def with_django():
    import django
    from django.conf import settings
    from django.db import models

    options = parse_dsn(url)
    settings.configure(
        INSTALLED_APPS=[],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": options["dbname"],
                "HOST": options.get("host", ""),
                "PORT": options.get("port", ""),
                "USER": options.get("user", ""),
                "PASSWORD": options.get("password", ""),
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    )
    django.setup()

    class Doc(models.Model):
        slug = models.TextField(primary_key=True)
        title = models.TextField(null=True)
        body = models.TextField(null=True)
        views = models.IntegerField()
        embedding = models.TextField(null=True)  # a column type that Django does not know reads as text

        class Meta:
            app_label = "orm"
            managed = False
            db_table = "docs"

    if what == "load":
        doc = Doc.objects.get(slug="doc-1")
        return {field.attname: getattr(doc, field.attname) for field in Doc._meta.fields}
    # As it was loaded, and with nothing changed but a counter.
    doc = Doc.from_db("default", list(state), list(state.values()))
    doc.views += 1
    doc.save()


def with_sqlalchemy():
    from sqlalchemy import Column, Integer, Text, create_engine
    from sqlalchemy.orm import Session, declarative_base
    from sqlalchemy.types import UserDefinedType

    class Vector(UserDefinedType):
        def get_col_spec(self):
            return "vector"

    base = declarative_base()

    class Doc(base):
        __tablename__ = "docs"
        slug = Column(Text, primary_key=True)
        title = Column(Text)
        body = Column(Text)
        views = Column(Integer)
        embedding = Column(Vector)

    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(url))
    with Session(engine) as session:
        if what == "load":
            doc = session.get(Doc, "doc-1")
            return {column.name: getattr(doc, column.name) for column in Doc.__table__.columns}
        # A detached object comes back: whatever differs from the row is written.
        state["views"] += 1
        session.merge(Doc(**state))
        session.commit()


if what == "save":
    with open(path, "rb") as file:
        state = pickle.load(file)
loaded = with_django() if orm == "django" else with_sqlalchemy()
if what == "load":
    with open(path, "wb") as file:
        pickle.dump(loaded, file)
