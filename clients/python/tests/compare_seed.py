"""Holds seed_app.py against the document that it is taken from, seed.txt.

The document is the text form of AuthFort's manual page on FastAPI: it repeats each
block of code, has prose and headings between them, and has lost its line ends in
places.  So both are compared without white space.  The application differs in two
things alone: the name of the package, and the URL of the database.

Nothing is printed, and the exit status is 0, if each block of the application is in
the document, in its order, and all code of the document is in the application.
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
URL = re.compile(r'database_url="[^"]*"')

# What is prose although it has words of code in it.
PROSE = (
    'authfort migrate --database-url "sqlite+aiosqlite:///auth.db"',
    "| POST | /auth/signup |",
)
# without white space
CODE = re.compile(r"@app\.|asyncdef|await|import|Depends\(|auth\.|return[{f]|raise")


def squeeze(text: str) -> str:
    return "".join(URL.sub('database_url=""', text.replace("authfort_postgresql", "authfort")).split())


def blocks(text: str) -> list[str]:
    """The application in pieces: each route, and what is before the first one."""
    return [squeeze(block) for block in re.split(r"\n(?=@app\.|from authfort_postgresql import UserResponse)", text)]


def compare(application: str, document: str) -> list[str]:
    wrong = []
    rest = squeeze(document)
    position = 0
    for block in blocks(application):
        found = rest.find(block, position)
        if found < 0:
            wrong.append(f"not in the document, or not in this order: {block[:70]}...")
            continue
        position = found
    # what is left without the blocks, from the longest on, is to be prose
    for block in sorted(blocks(application), key=len, reverse=True):
        rest = rest.replace(block, "\n")
    for line in PROSE:
        rest = rest.replace(squeeze(line), "")
    unmatched = [line for line in rest.split("\n") if CODE.search(line)]
    return wrong + [f"not in the application: {line[:70]}..." for line in unmatched]


if __name__ == "__main__":
    problems = compare((HERE / "seed_app.py").read_text(), (HERE / "seed.txt").read_text())
    print("\n".join(problems), end="")
    sys.exit(1 if problems else 0)
