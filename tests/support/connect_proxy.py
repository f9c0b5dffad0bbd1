"""An HTTP proxy that leads every tunnel to one port of this machine, whatever host it is for."""

import socket
import threading


class Proxy:
    """Opens a tunnel to one port for every CONNECT, or answers with the bytes of `answer`."""

    def __init__(self, port):
        self.target = port
        self.answer = None
        self.heads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(1)
            if not piece:
                return
            head += piece
        self.heads.append(head.decode())
        if self.answer:
            connection.sendall(self.answer)
            connection.close()
            return
        with connection, socket.create_connection(("127.0.0.1", self.target)) as vendor:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=self._pass, args=(vendor, connection), daemon=True)
            back.start()
            self._pass(connection, vendor)
            back.join()

    @staticmethod
    def _pass(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.listener.close()
