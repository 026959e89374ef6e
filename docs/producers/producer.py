"""Sends payments, one JSON object a line on standard input, to the queue that PAYMENTS_QUEUE_URL names.

    pip install boto3
    python producer.py < payments.ndjson
"""

import json
import os
import sys
import time

import boto3

TRIES = 5


def send(sqs, queue_url, payments):
    """Sends them, ten a call. Returns those that the queue did not take, each with why."""
    refused = []
    for start in range(0, len(payments), 10):
        waiting = {str(number): payment for number, payment in enumerate(payments[start : start + 10])}
        for tried in range(TRIES):
            if tried:
                time.sleep(2**tried / 10)
            entries = [{"Id": number, "MessageBody": json.dumps(payment)} for number, payment in waiting.items()]
            # The call succeeds although some of it failed: whoever does not look at Failed loses payments.
            failed = {it["Id"]: it for it in sqs.send_message_batch(QueueUrl=queue_url, Entries=entries).get("Failed", [])}
            # What is sent once more is the same message with the same payment_id, so it is charged once at most.
            refused += [(waiting[number], it["Message"]) for number, it in failed.items() if it["SenderFault"]]
            waiting = {number: waiting[number] for number, it in failed.items() if not it["SenderFault"]}
            if not waiting:
                break
        refused += [(payment, f"not taken in {TRIES} tries") for payment in waiting.values()]
    return refused


def main():
    # Where payment_id was made does not matter, as long as it was once: with the order, not with the attempt to send it.
    payments = [json.loads(line) for line in sys.stdin if line.strip()]
    refused = send(boto3.client("sqs"), os.environ["PAYMENTS_QUEUE_URL"], payments)
    for payment, why in refused:
        print(f"{payment['payment_id']} was not sent: {why}", file=sys.stderr)
    print(f"{len(payments) - len(refused)} sent")
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    main()
