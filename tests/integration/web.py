"""HTTP clients of a node: REST with a check against openapi.json, event streams, WebSockets."""

import base64
import http.client
import json
import os
import pathlib
import re
import socket
import struct
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPENAPI = json.loads((ROOT / "docs/api/openapi.json").read_text())
TIMEOUT_SECONDS = 60
TOKEN = "integration-token"
SETTINGS = {"http": {"token": TOKEN}}

TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def _is_type(value, name):
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, TYPES[name])


def check_schema(value, schema, where="$"):
    """Asserts that `value` is what `schema` says, as far as our document says things."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return check_schema(value, OPENAPI["components"]["schemas"][name], f"{where}:{name}")
    if "oneOf" in schema:
        if value is None:
            assert {"type": "null"} in schema["oneOf"], f"{where} is null"
            return None
        return check_schema(value, schema["oneOf"][0], where)
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        assert any(_is_type(value, kind) for kind in kinds), f"{where}: {value!r} is no {kinds}"
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r} is none of {schema['enum']}"
    if "pattern" in schema and isinstance(value, str):
        assert re.search(schema["pattern"], value), f"{where}: {value!r} is no {schema['pattern']}"
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_schema(item, schema.get("items", {}), f"{where}[{index}]")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        missing = set(schema.get("required", [])) - set(value)
        assert not missing, f"{where} lacks {missing}"
        for key, item in value.items():
            further = schema.get("additionalProperties", {})
            assert key in properties or further is not False, f"{where} has a strange {key}"
            inner = properties.get(key, further if isinstance(further, dict) else {})
            check_schema(item, inner, f"{where}.{key}")
    return None


def operation_of(method, path):
    """The operation of openapi.json that a request is of."""
    plain = path.split("?")[0]
    for pattern, operations in OPENAPI["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), plain):
            return operations.get(method.lower())
    return None


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Web:
    """One node over HTTP. Answers to documented requests are checked against openapi.json."""

    def __init__(self, address):
        self.address = address
        host, port = address.rsplit(":", 1)
        self.host, self.port = host, int(port)

    def raw(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def ask(self, method, path, body=None, token=None):
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        answer = self.raw(method, path, body, headers)
        operation = operation_of(method, path)
        if operation is not None:
            described = operation["responses"].get(str(answer.status))
            assert described is not None, f"{method} {path}: {answer.status} is not documented"
            for kind, content in described.get("content", {}).items():
                if kind.endswith("json"):
                    assert answer.headers["content-type"] == kind, path
                    check_schema(answer.json, content["schema"], f"{method} {path}")
        return answer

    def get(self, path):
        answer = self.ask("GET", path)
        assert answer.status == 200, f"{path}: {answer.status} {answer.text}"
        return answer.json

    def post(self, path, body, token=TOKEN):
        return self.ask("POST", path, body, token)

    def delete(self, path, token=TOKEN):
        return self.ask("DELETE", path, None, token)

    def problem(self, method, path, status, code, body=None, token=None):
        """Asserts that the request fails, with an error that says what to do."""
        answer = self.ask(method, path, body, token)
        assert answer.status == status, f"{path}: {answer.status} {answer.text}"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == code, answer.json
        assert answer.json["status"] == status
        assert answer.json["detail"] and answer.json["hint"]
        return answer.json


class EventStream:
    """Server-sent events, one at a time."""

    def __init__(self, web, path="/api/stream"):
        self.connection = http.client.HTTPConnection(web.host, web.port, timeout=TIMEOUT_SECONDS)
        self.connection.request("GET", path)
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        assert self.response.headers["content-type"].startswith("text/event-stream")

    def next(self):
        """The next (event, document), checked against openapi.json; None at the end."""
        event, data = None, None
        while True:
            line = self.response.readline().decode()
            if line == "":
                return None
            if line == "\n":
                if event is None:
                    continue
                if event != "end":
                    schema = {"$ref": f"#/components/schemas/{event.capitalize()}"}
                    check_schema(data, schema, event)
                return event, data
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "event":
                event = value
            if name == "data":
                data = json.loads(value)

    def await_event(self, wanted, condition=lambda document: True):
        while True:
            received = self.next()
            assert received is not None, f"the stream ended before {wanted}"
            if received[0] == wanted and condition(received[1]):
                return received[1]

    def close(self):
        self.response.close()
        self.connection.close()


class WebSocket:
    """As much of RFC 6455 as our messages need."""

    def __init__(self, web, path="/api/ws", origin=None, host=None):
        self.socket = socket.create_connection((web.host, web.port), timeout=TIMEOUT_SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {host or web.address}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
        ]
        if origin:
            lines.append(f"Origin: {origin}")
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        self.input = self.socket.makefile("rb")
        self.status = int(self.input.readline().split()[1])
        while self.input.readline() not in (b"\r\n", b""):
            pass

    def send(self, message):
        payload = message if isinstance(message, bytes) else json.dumps(message).encode()
        self._frame(0x1, payload)

    def _frame(self, opcode, payload):
        mask = os.urandom(4)
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack(">H", size)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.socket.sendall(head + mask + masked)

    def receive(self):
        """The next message; ("close", code, reason) when the node closes."""
        message = b""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while True:
            assert time.monotonic() < deadline, "pings, and nothing else"
            first, second = self.input.read(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack(">H", self.input.read(2))[0]
            elif size == 127:
                size = struct.unpack(">Q", self.input.read(8))[0]
            payload = self.input.read(size)
            opcode = first & 0x0F
            if opcode == 0x9:
                self._frame(0xA, payload)
            elif opcode == 0x8:
                return ("close", struct.unpack(">H", payload[:2])[0], payload[2:].decode())
            elif opcode in (0x0, 0x1):  # a large message comes in several frames
                message += payload
                if first & 0x80:
                    return json.loads(message)

    def subscribe(self, channel, symbol, **options):
        self.send({"op": "subscribe", "channel": channel, "symbol": symbol, **options})

    def close(self):
        self.input.close()
        self.socket.close()


def web(cluster, n=1):
    return Web(cluster.nodes[n].http)
