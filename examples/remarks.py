"""Writes remarks.jsonl: 480 remarks about a weighbridge, made of a few words each, praise or complaint.

python examples/remarks.py examples/remarks.jsonl
"""

import json
import random
import sys
from pathlib import Path

THINGS = ("the parcel", "the ticket", "the scale", "our driver", "the queue", "the yard", "the report", "the crane")
WHEN = ("today", "again", "on Monday", "as always", "this week", "at noon")
PRAISE = ("was fine", "came early", "pleased us", "was very good", "did well")
COMPLAINT = ("was awful", "came late", "annoyed us", "was very bad", "did badly")


def main(path: Path) -> None:
    remarks = [
        {"text": f"{thing} {said} {when}", "label": label}
        for thing in THINGS
        for when in WHEN
        for label, words in (("praise", PRAISE), ("complaint", COMPLAINT))
        for said in words
    ]
    random.Random(0).shuffle(remarks)
    path.write_text("".join(json.dumps(each) + "\n" for each in remarks), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
