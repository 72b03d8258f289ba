"""Fail if a test was skipped for want of a peer: a run with all peers installed must compare with all of them."""

import sys
import xml.etree.ElementTree as ElementTree


def main(path: str) -> int:
    """Print the skipped comparisons of a JUnit file; 1 if there are any."""
    skipped = [
        f"{case.get('classname')}::{case.get('name')}: {reason}"
        for case in ElementTree.parse(path).iter("testcase")
        for skip in case.iter("skipped")
        if "peer" in (reason := f"{skip.get('message', '')} {skip.text or ''}")
    ]
    print("\n".join(["skipped for want of a peer:", *skipped] if skipped else ["no peer was missing"]))
    return 1 if skipped else 0


sys.exit(main(sys.argv[1]))
