#!/usr/bin/env python3
"""Writes tests/unit/data/cl100k_golden.json: texts and their token counts by tiktoken, the reference.

Run from the repository's root after `./dev setup`:
    python3 -m venv /tmp/tiktoken && /tmp/tiktoken/bin/pip install tiktoken==0.14.0
    /tmp/tiktoken/bin/python tests/tools/make_cl100k_golden.py

tiktoken would download the vocabulary; it is given the one that setup fetched instead. An argument sets how many
random texts are written (400), for a longer comparison now and then.
"""
import base64
import json
import pathlib
import random
import sys
import unicodedata

import tiktoken

PATTERN = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
           r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s")
SPACES = [" ", "  ", "\n", "\r", "\r\n", "\t", "\v", "\f", "\x1c", "\x85", "\xa0", "\u1680", "\u180e", "\u2003",
          "\u200b", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\ufeff"]

WRITTEN = [
    "", " ", "a", "Hello, world!", "The quick brown fox jumps over the lazy dog.",
    "It's what they'd call 'state of the art'; we'LL see, I'M sure you'Ve been there. '\u017f '\u017fs",
    "for (int i = 0; i < n; ++i) {\n\tif (a[i] != b[i]) return false;  // differs\n}\n\n\n",
    "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction';",
    "error: failed to push some refs to 'git@example.com:team/repo.git'",
    "3.14159265358979 1,000,000 0x7fffffff 192.168.0.1:5432 2026-11-22T12:34:56Z \u0663\u0664\u0665 \u2167 \u00bd",
    "数据库连接数过多时,新的连接会被拒绝。", "日本語のテキストを正しく数えます。カタカナも。", "한국어 문장은 띄어쓰기가 있습니다.",
    "لا يمكن الاتصال بالخادم: تم رفض الاتصال.", "שלום עולם, הקובץ לא נמצא.", "Не удалось подключиться к серверу: отказано.",
    "ไม่สามารถเชื่อมต่อกับเซิร์ฟเวอร์ได้", "नमस्ते दुनिया, फ़ाइल नहीं मिली।", "Žluťoučký kůň úpěl ďábelské ódy. Straße, œuvre, İstanbul.",
    "😀😃😄 👩‍👩‍👧‍👦 🇩🇪🇫🇷 👍🏽 ✅❌ ⚠️ → ∑∫√", "e\u0301 a\u0308\u0323 \u200d\u200c", "\x00\x01\x02\x1b[31mred\x1b[0m\x7f",
    "<|endoftext|> and <|fim_prefix|> are ordinary text here", "    indented\n\t\ttabs\r\n  windows\r\n\r\n   ",
    "trailing spaces   ", "trailing newline\n", "a  b   c    d\n e\n\n f \n \n g", "=====-----_____*****#####!!!!!",
    "https://example.com/a/b?c=d&e=f#g%20h", "C:\\Program Files\\nginx\\conf\\nginx.conf",
    "AVeryLongCamelCaseIdentifierThatGoesOnAndOn_and_then_snake_case_too", "\ufffd\ufffd\ufffe\uffff\U0010ffff\ue000",
]
REPEATED = [("a", 100_000), (" ", 100_000), ("\n", 50_000), ("=", 100_000), ("0", 10_000), ("é", 20_000), ("中", 20_000),
            ("😀", 20_000), ("ab", 50_000), ("\n ", 20_000), ("the ", 20_000), ("\\", 50_000), ("A", 64), ("x", 49)]


def main() -> None:
    ranks = {}
    for line in pathlib.Path(".deps/cl100k_base.tiktoken").read_bytes().splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    encoding = tiktoken.Encoding("cl100k_base", pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})
    tokens = list(ranks)
    assigned = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
    rng = random.Random(1)

    def a_random_text() -> str:
        size = int(rng.expovariate(1 / 20)) + 1
        match rng.randrange(6):
            case 0: return "".join(rng.choice(assigned) for _ in range(size))
            case 1: return "".join(rng.choice(SPACES + ["a", "'s", "'LL", "1", "é", "."]) for _ in range(size))
            case 2: return "".join(chr(rng.randrange(32, 127)) for _ in range(size))
            case 3: return bytes(rng.randrange(256) for _ in range(size)).decode("utf-8", "replace")
            case 4: return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(10 * size))
            case _: return b"".join(rng.choice(tokens) for _ in range(size)).decode("utf-8", "replace")

    texts = WRITTEN + [a_random_text() for _ in range(int(sys.argv[1]) if len(sys.argv) > 1 else 400)]
    cases = [{"tokens": len(encoding.encode_ordinary(text)), "text": text} for text in texts]
    cases += [{"tokens": len(encoding.encode_ordinary(unit * times)), "text": unit, "times": times}
              for unit, times in REPEATED]
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in cases)
    pathlib.Path("tests/unit/data/cl100k_golden.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
