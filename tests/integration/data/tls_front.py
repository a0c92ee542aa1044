#!/usr/bin/env python3
"""TLS in front of a plain server on loopback: tls_front.py CERTIFICATE KEY PORT

Prints the port it listens on, then serves until it is killed. A client that does not like the certificate gets
nothing through."""
import select
import socket
import ssl
import sys
import threading


def copy(secure, server):
    """Both ways in one thread: an SSL object is not for two."""
    while True:
        ready = [secure] if secure.pending() else select.select([secure, server], [], [])[0]
        for source in ready:
            data = source.recv(65536)
            if not data:
                return
            (server if source is secure else secure).sendall(data)


def serve(client, context, port):
    try:
        with context.wrap_socket(client, server_side=True) as secure:
            first = secure.recv(65536)
            if not first:  # the client looked at the certificate and went
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                server.sendall(first)
                copy(secure, server)
    except OSError:  # a refused certificate, too
        client.close()


def main():
    certificate, key, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on", listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, context, port), daemon=True).start()


main()
