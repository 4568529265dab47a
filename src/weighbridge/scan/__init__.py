"""Whether files are safe to open: bytes in, one verdict a file out. Nothing in a file is loaded, imported or called.

    scan(paths)  ->  FileVerdict a file: clean, dangerous or error, with findings
       │
       ├─ walking    the files below a path; never one outside of it
       ├─ item       one file, or one member of an archive: a name, bytes, and what lies beside it
       ├─ judges/    one file each: which bytes it recognises, and what it finds in them
       └─ rules      what can be found: id, how serious, how sure, and the page that explains it

A judge is a module of `judges/` with one object that is named in `JUDGES` (registry.py)::

    class MyRule(Rule):
        \"\"\"One line that says what was found.

        Why it is dangerous. Example. What to do.                     (the rule's page, as it is published)
        \"\"\"
        id = "family.what"                                            # stable: a policy matches it
        severity = Severity.DANGER                                    # DANGER: exit 1. WARNING, INFO: told, and clean
        sure = Sure.CERTAIN                                           # or LIKELY, SUSPECTED
        hint = "What to do, in one line."

    class MyJudge:
        name = "my-format"
        rules = (MyRule,)
        def recognises(self, item: Item) -> bool: ...                 # by item.head (4 KiB), item.name, item.source
        def judge(self, item: Item) -> Iterator[Found]:
            yield MyRule.found("what it would do", offset=12, opcode="GLOBAL", member="inner/name")
            yield item.inside("inner/name", source)                   # hand bytes back: every judge is asked about them

    MY_JUDGE = MyJudge()

Every judge that recognises an item is asked, so that a file which is two things at once is judged as both. A judge
that cannot tell raises a `WeighbridgeError`: the file's status is then error, unless something dangerous was found,
here or by another judge; nothing that was yielded before is lost. `item.beside(name)` gives a file of the folder that
was asked about, or None: never one outside. Depth, number and bytes of members are bounded by the scanner
(`limits`), not by the judges; a judge bounds what it reads of its own item.

May import formats, report, tensors and errors, and at import neither numpy nor pydantic: a scan of a small file starts
in a few hundredths of a second of CPU. Import what is dear inside the function that needs it.
"""

from weighbridge.scan.item import Item
from weighbridge.scan.model import FileVerdict, Found, Rule, Status, Sure, exit_status
from weighbridge.scan.registry import JUDGES, RULES
from weighbridge.scan.scanner import scan

__all__ = ["JUDGES", "RULES", "FileVerdict", "Found", "Item", "Rule", "Status", "Sure", "exit_status", "scan"]
