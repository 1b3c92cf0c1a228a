"""A directory of Fapster's design, for comparison: it forks for each request and opens a database.

    python3 forking_directory.py DATABASE ADDRESS PORT

FIND alone is answered, with one `LIKE` over all names; the table is made by the bench.
"""

import os
import signal
import socket
import sqlite3
import sys


def answer(path, request):
    database = sqlite3.connect(path)
    query = request[20:40].decode().strip().lower()
    rows = database.execute(
        "SELECT f.md5, f.name, p.address FROM files f JOIN owners o ON o.md5 = f.md5 "
        "JOIN peers p ON p.session = o.session WHERE f.name LIKE ?",
        ("%" + query + "%",),
    ).fetchall()
    found = "".join("%s%-100s001%s" % row for row in rows[:999])
    return ("AFIN%03d" % min(len(rows), 999) + found).encode()


def main():
    path, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(128)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            connection.sendall(answer(path, connection.recv(200)))
            connection.close()
            os._exit(0)
        connection.close()


main()
