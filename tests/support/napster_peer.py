"""A Napster peer on raw sockets, as a student would write it after the specification.

    napster_peer.py serve V4 V6 PORT FOLDER DIRECTORY...   logs in, registers, serves until its input ends
    napster_peer.py offer V4 V6 PORT DIRECTORY MD5 NAME    logs in and registers that one file
    napster_peer.py fetch V4 V6 PORT DIRECTORY NAME 4|6    finds a name and fetches it from each address told

A DIRECTORY is an address, its port is 3000. `fetch` prints a line for each peer that gave the file.
"""

import hashlib
import os
import socket
import sys
import threading


def address(v4, v6, port):
    groups = socket.inet_pton(socket.AF_INET6, v6).hex()
    v6 = ":".join(groups[at : at + 4] for at in range(0, 32, 4))
    return "%s|%s%05d" % (".".join("%03d" % int(part) for part in v4.split(".")), v6, port)


def ask(directory, request):
    with socket.create_connection((directory, 3000), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer.decode()


def login(directory, own):
    answer = ask(directory, "LOGI" + own)
    assert answer[:4] == "ALGI", answer
    return answer[4:]


def receive(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        assert part, "closed early"
        data += part
    return data


def retrieve(host, port, md5):
    with socket.create_connection((host, port), timeout=10) as connection:
        connection.sendall(("RETR" + md5).encode())
        head = receive(connection, 10)
        assert head[:4] == b"ARET", head
        data = b""
        for _ in range(int(head[4:])):
            data += receive(connection, int(receive(connection, 5)))
    return data


def found(answer):
    """Yields (md5, name, [(v4, v6, port)])."""
    assert answer[:4] == "AFIN", answer
    at = 7
    for _ in range(int(answer[4:7])):
        md5, name, copies = answer[at : at + 32], answer[at + 32 : at + 132].strip(), int(answer[at + 132 : at + 135])
        at += 135
        peers = []
        for _ in range(copies):
            v4 = ".".join(str(int(part)) for part in answer[at : at + 15].split("."))
            peers.append((v4, answer[at + 16 : at + 55], int(answer[at + 55 : at + 60])))
            at += 60
        yield md5, name, peers


def offer(v4, v6, port, directory, md5, name):
    session = login(directory, address(v4, v6, port))  # again from the same host: the same one
    answered = ask(directory, "ADDF%s%s%-100s" % (session, md5, name))
    assert answered[:4] == "AADD", answered


def serve(v4, v6, port, folder, directories):
    files = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            files[hashlib.md5(file.read()).hexdigest()] = name

    def answer(connection):
        with connection:
            name = files[receive(connection, 36)[4:].decode()]
            with open(os.path.join(folder, name), "rb") as file:
                chunks = []
                while chunk := file.read(4096):
                    chunks.append(b"%05d" % len(chunk) + chunk)
            connection.sendall(b"ARET%06d" % len(chunks) + b"".join(chunks))

    def listen(listener):
        while True:
            threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    for family, host in ((socket.AF_INET, v4), (socket.AF_INET6, v6)):
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(16)
        threading.Thread(target=listen, args=(listener,), daemon=True).start()
    for directory in directories:
        for md5, name in files.items():
            offer(v4, v6, port, directory, md5, name)
    print("ready", flush=True)
    sys.stdin.read()


def fetch(v4, v6, port, directory, name, family):
    session = login(directory, address(v4, v6, port))
    for md5, known, peers in found(ask(directory, "FIND%s%-20s" % (session, name[:20]))):
        for peer in peers if known == name else ():
            host = peer[0] if family == "4" else peer[1]
            data = retrieve(host, peer[2], md5)
            assert hashlib.md5(data).hexdigest() == md5, "another content"
            ask(directory, "DREG%s%s" % (session, md5))
            print("%s %d bytes from %s" % (name, len(data), socket.getaddrinfo(host, None)[0][4][0]))


verb, v4, v6, port, *rest = sys.argv[1:]
if verb == "serve":
    serve(v4, v6, int(port), rest[0], rest[1:])
elif verb == "offer":
    offer(v4, v6, int(port), *rest)
else:
    fetch(v4, v6, int(port), *rest)
