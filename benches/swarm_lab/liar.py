"""A neighbour that tells the truth about its files and sends wrong bytes.

    python3 liar.py ADDRESS BROADCAST PORT EVERY

A real node runs behind it, on 127.0.0.1 and the same port, announcing to 127.255.255.255. What
that node announces is repeated to the LAN, and told at once to whoever speaks there. What the LAN
asks is asked of that node, and its answers are handed on as they come: index, manifest, lists of
hashes, whatever else there is. Only in the bytes of files, asked for by content or by name, the
first byte of every EVERYth piece is turned round. So all lists are right and fold, and nothing but
the bytes tells.
"""

import base64
import re
import socket
import sys
import threading
import urllib.parse
from queue import Queue

#: docs/PROTOCOL.md, section 6.
PIECE_BYTES = 262_144
#: Longer heads are not for us.
HEAD_BYTES = 65_536
#: No peer stays silent for so long, not even one that waits for news.
SILENCE_S = 300


def asks_for_bytes(target):
    """Whether a request is for the bytes of a file, and not for a list."""
    split = urllib.parse.urlsplit(target)
    query = urllib.parse.parse_qs(split.query, keep_blank_values=True)
    name = query.get("g", [""])[0]
    if "f" in query:
        name = base64.urlsafe_b64decode(re.sub("[!=]", "", name) + "===").decode(errors="replace")
    return split.path in ("/s", "/s/") and (name == "forban/index.content" or not name.startswith("forban/"))


class Forger:
    """Changes the bytes of one answer as they pass."""

    def __init__(self, begin, every):
        self.position, self.every = begin, every

    def pass_on(self, block):
        """The block, wrong where a piece begins in it."""
        begin, end = self.position, self.position + len(block)
        self.position = end
        wrong = bytearray(block)
        for piece in range(-(-begin // PIECE_BYTES), -(-end // PIECE_BYTES)):
            if piece % self.every == 0:
                wrong[piece * PIECE_BYTES - begin] ^= 0xFF
        return bytes(wrong)


class Honest:
    """Changes nothing."""

    def pass_on(self, block):
        """The block as it is."""
        return block


def read_head(stream):
    """The lines of a head, without the empty one; none at the end of the stream."""
    lines, size = [], 0
    while True:
        line = stream.readline(HEAD_BYTES)
        size += len(line)
        if not line or size > HEAD_BYTES:
            return []
        if line in (b"\r\n", b"\n"):
            return lines
        lines.append(line)


def field(lines, name):
    """The value of a header, in lower case; empty if it is not there."""
    for line in lines[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().lower()
    return b""


def pass_length(stream, sink, length, hand):
    """Hands on so many bytes as they come."""
    while length > 0:
        block = stream.read1(min(length, 65_536))
        if not block:
            raise ConnectionError("ended early")
        length -= len(block)
        sink.sendall(hand.pass_on(block))


def pass_chunks(stream, sink, hand):
    """Hands on a chunked body, chunk by chunk."""
    while True:
        line = stream.readline(HEAD_BYTES)
        sink.sendall(line)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            sink.sendall(b"".join(read_head(stream)) + b"\r\n")
            return
        pass_length(stream, sink, size, hand)
        sink.sendall(stream.readline(4))


def pass_body(lines, stream, sink, hand):
    """Hands on the body that a head promises; false if it goes on to the end of the connection."""
    if field(lines, b"transfer-encoding") == b"chunked":
        pass_chunks(stream, sink, hand)
    elif length := field(lines, b"content-length"):
        pass_length(stream, sink, int(length), hand)
    else:
        return False
    return True


def pass_requests(client, node, asked, port):
    """From the client to the node: only the host is another."""
    stream = client.makefile("rb")
    while lines := read_head(stream):
        method, target, _ = lines[0].split(b" ", 2)
        asked.put((method, asks_for_bytes(target.decode("latin-1"))))
        kept = [line for line in lines[1:] if not line.lower().startswith(b"host:")]
        node.sendall(b"".join([lines[0], b"Host: 127.0.0.1:%d\r\n" % port, *kept, b"\r\n"]))
        pass_body(lines, stream, node, Honest())


def pass_answers(node, client, asked, every):
    """From the node to the client, in the order of the requests."""
    stream = node.makefile("rb")
    while lines := read_head(stream):
        status = int(lines[0].split(b" ")[1])
        client.sendall(b"".join(lines) + b"\r\n")
        if status < 200:
            continue
        method, lies = asked.get(timeout=SILENCE_S)
        if method == b"HEAD" or status in (204, 304):
            continue
        hand = Forger(range_begin(lines), every) if lies and status in (200, 206) else Honest()
        if not pass_body(lines, stream, client, hand):
            while block := stream.read1(65_536):
                client.sendall(hand.pass_on(block))


def range_begin(lines):
    """Where in the file a body begins."""
    found = re.match(rb"bytes (\d+)-", field(lines, b"content-range"))
    return int(found[1]) if found else 0


def converse(client, port, every):
    """One connection of a client, with one of its own to the node."""
    try:
        # Each client is another host to the node too, which has limits for each.
        source = "127.0.0." + client.getpeername()[0].rpartition(".")[2]
        node = socket.create_connection(("127.0.0.1", port), SILENCE_S, (source, 0))
    except OSError as error:
        print(f"the node behind does not answer: {error}", flush=True)
        client.close()
        return
    with client, node:
        client.settimeout(SILENCE_S)
        for end in (client, node):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked = Queue()
        back = threading.Thread(target=one_way, args=(pass_answers, node, client, asked, every), daemon=True)
        back.start()
        one_way(pass_requests, client, node, asked, port)
        back.join(SILENCE_S)


def one_way(work, source, sink, *more):
    """Where a direction ends, so does its sink; where it breaks, the whole connection."""
    how = socket.SHUT_WR
    try:
        work(source, sink, *more)
    except Exception as error:  # whatever it is, it concerns one connection only
        print(f"{work.__name__}: {error!r}", flush=True)
        how = socket.SHUT_RDWR
    for end in (sink, source) if how == socket.SHUT_RDWR else (sink,):
        try:
            end.shutdown(how)
        except OSError:
            pass  # it has ended already


def udp(address, port):
    """A socket for announcements."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    made.bind((address, port))
    return made


class Voice:
    """Speaks to the LAN in the words of the node behind us, which only we hear."""

    def __init__(self, address, broadcast, port):
        self.behind, self.lan = udp("127.255.255.255", port), udp(broadcast, port)
        self.told = udp(address, port)
        self.address, self.everybody = address, (broadcast, port)
        self.words = b""

    def repeat(self):
        """What the node announces goes to everybody."""
        while True:
            self.words = self.behind.recv(2048)
            print("announcing", self.words.decode(errors="replace"), flush=True)
            self.told.sendto(self.words, self.everybody)

    def answer(self):
        """Whoever speaks is told at once, as real nodes tell newcomers."""
        while True:
            source = self.lan.recvfrom(2048)[1]
            if self.words and source[0] != self.address:
                self.told.sendto(self.words, source)


def main():
    """Listens until it is killed."""
    address, broadcast, port, every = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    listener = socket.create_server((address, port), backlog=128)
    voice = Voice(address, broadcast, port)
    for verb in (voice.repeat, voice.answer):
        threading.Thread(target=verb, daemon=True).start()
    print("listening", flush=True)
    while True:
        client, _ = listener.accept()
        threading.Thread(target=converse, args=(client, port, every), daemon=True).start()


if __name__ == "__main__":
    main()
