"""Tests that compare with a peer, from the JUnit file of a run: those skipped for want of one.

python .ci/peer_tests.py list FILE     print their node ids, for a run with the peers installed
python .ci/peer_tests.py refuse FILE   fail if there are any
"""

import sys
import xml.etree.ElementTree as ElementTree


def main(command: str, path: str) -> int:
    found = (
        node_id(case)
        for case in ElementTree.parse(path).iter("testcase")
        for skip in case.iter("skipped")
        if "peer " in f"{skip.get('message', '')} {skip.text or ''}"
    )
    skipped = list(dict.fromkeys(found))
    if command == "list":
        if not skipped:
            print("no test was skipped for want of a peer, so none would be compared with one", file=sys.stderr)
        print("\n".join(skipped))
        return 0 if skipped else 1
    print("\n".join(["skipped for want of a peer:", *skipped] if skipped else ["no peer was missing"]))
    return 1 if skipped else 0


def node_id(case: ElementTree.Element) -> str:
    """What pytest calls this test on its command line; a file skipped as a whole has no class."""
    folder, _, rest = (case.get("classname") or case.get("name") or "").partition(".")
    module, *classes = rest.split(".")
    names = [*classes, case.get("name")] if case.get("classname") else []
    return "::".join([f"{folder}/{module}.py", *map(str, names)])


sys.exit(main(*sys.argv[1:]))
