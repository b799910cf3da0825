"""Prints λ₁ and the stability threshold as they are measured, with PyPI's `websockets`:

THALWEG_TOKEN=… python examples/subscribe.py ws://127.0.0.1:4242
"""

import asyncio
import json
import os
import sys

from websockets.asyncio.client import connect


async def main(url):
    token = os.environ.get("THALWEG_TOKEN") or sys.exit("THALWEG_TOKEN: expected the server's token, found none")
    headers = {"Authorization": f"Bearer {token}"}
    session, last_seq = "live", -1
    # Reconnects by itself when it is cut off; then goes on after the last sample it has seen.
    async for socket in connect(f"{url}/v1/stream", subprotocols=["thalweg.v1"], additional_headers=headers):
        start = "start" if last_seq < 0 else {"seq": last_seq + 1}
        subscribe = {"op": "subscribe", "id": 1, "session": session, "channels": ["hessian/eigenvalues"]}
        await socket.send(json.dumps({**subscribe, "from": start}))
        async for text in socket:
            message = json.loads(text)
            session = message.get("session", session)
            if message["op"] == "error":
                sys.exit(message["message"])
            if message["op"] == "end":
                return
            for sample in message.get("samples", []):
                value = sample["value"]
                print(f"step {sample['step']}: λ₁ {value['top'][0]['value']}, threshold {value['threshold']}", flush=True)
                last_seq = sample["seq"]


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:4242"))
