"""Texts to embed: words in random order, no two texts alike, for equal ones would share a slot of a request."""

import pathlib
import random

WORDS = """the of and to in is that for it as was with be by on not he this are or his from at which but have an had
they you were their one all we can her has there been if more when will would who so no out up into about
some than only them could time then other new these may two do first any my now such like our over man me
even most made after also did many before must through back years where much your way well down should
because each just those people how too little state good very make world still own see men work long get
here between both life being under never day same another know while last might us great old year off come
since against go came right used take three database index query latency timeout connection pool server
client request response error retry queue worker vector embedding search semantic cache memory thread lock
transaction commit rollback replica primary failover backup restore schema migration column table row key
value hash tree page buffer disk network packet socket header body token parser compiler kernel process
signal event loop stream batch chunk window offset cursor snapshot vacuum checkpoint log metric alert
dashboard deploy release version branch merge conflict review test fixture mock assertion coverage profile
benchmark throughput""".split()


def write(path: pathlib.Path, rows: int, length: int, first: int = 1) -> pathlib.Path:
    """A file for COPY: id, tab, text of `length` characters."""
    pick = random.Random(length)
    long = " ".join(pick.choices(WORDS, k=200_000))
    with path.open("w", encoding="ascii") as file:
        for row in range(first, first + rows):
            start = pick.randrange(len(long) - length)
            file.write(f"{row}\t{f'{row} ' + long[start : start + length]:.{length}}\n")
    return path
