"""The BSS of the demonstration: sends one TMF641 order and prints what it was answered. Its own process."""

from __future__ import annotations

import argparse
import json
import sys

import httpx

PATH = "/tmf-api/serviceOrdering/v4/serviceOrder"


def main() -> None:
    """Send the order on standard input; the answer goes to standard output."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--api", required=True)
    arguments.add_argument("--key", required=True, help="Idempotency-Key")
    given = arguments.parse_args()
    order = json.load(sys.stdin)
    with httpx.Client(base_url=given.api, trust_env=False, timeout=30) as http:
        answer = http.post(PATH, json=order, headers={"Idempotency-Key": given.key})
    sys.stdout.write(json.dumps({"status": answer.status_code, "body": answer.json()}))


if __name__ == "__main__":
    main()
