import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import pytest


@pytest.fixture
def serve():
    """A function that serves parts, bytes, by HTTP, one after the other; returns the address."""
    servers = []

    def start(kind, parts, length=None):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header('Content-Type', kind)
                if length is not None:
                    self.send_header('Content-Length', str(length))
                self.end_headers()
                for part in parts():
                    self.wfile.write(part)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f'http://me:secret@127.0.0.1:{server.server_port}/stream?token=x'

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def serve_camera(serve):
    """A function that serves images as a network camera does, with pauses in seconds; returns the address."""

    def start(images, pauses):
        def parts():
            for image, seconds in zip(images, pauses, strict=False):
                jpeg = cv2.imencode('.jpg', image)[1].tobytes()
                yield b'--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n' % (len(jpeg), jpeg)
                time.sleep(seconds)

        return serve('multipart/x-mixed-replace; boundary=x', parts)

    return start
