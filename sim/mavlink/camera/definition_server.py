"""A camera definition file, given out over HTTP on this machine."""

from __future__ import annotations

import http.server
import threading
from typing import Any, Protocol


class Definition(Protocol):
    """A camera definition file that is given out."""

    uri: str

    def close(self) -> None:
        """Give it out no more."""


class DefinitionServer:
    """Serves a camera definition file over HTTP on this machine, at `uri`."""

    def __init__(self, xml: str) -> None:
        data = xml.encode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}/camera.xml"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
