//! How a scripted node answers one request: honestly, or in one of the ways that hurt.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::Request;

/// Writes an answer.
pub type Script = Arc<dyn Fn(&Request, &mut TcpStream) -> io::Result<After> + Send + Sync>;

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    GoOn,
    Close,
}

/// A version of a file, as Forban names it.
pub const MONDAY: &str = "Mon, 16 Nov 2026 10:00:00 GMT";
/// A later one.
pub const TUESDAY: &str = "Tue, 17 Nov 2026 10:00:00 GMT";

pub fn script(answer: impl Fn(&Request, &mut TcpStream) -> io::Result<After> + Send + Sync + 'static) -> Script {
    Arc::new(answer)
}

/// A file as Forban serves it, ranges too.
pub fn content(content: Vec<u8>) -> Script {
    version(content, MONDAY)
}

/// The same with its time.
pub fn version(content: Vec<u8>, modified: &'static str) -> Script {
    script(move |request, stream| {
        let from = request.range_start().filter(|from| *from < content.len());
        stream.write_all(head(content.len(), from, modified).as_bytes())?;
        stream.write_all(&content[from.unwrap_or(0)..])?;
        Ok(After::GoOn)
    })
}

/// Like [`version`], but after `count` bytes of the body nothing more comes for `pause`, and
/// then the connection closes.
pub fn stalls(content: Vec<u8>, modified: &'static str, count: usize, pause: Duration) -> Script {
    script(move |request, stream| {
        let from = request.range_start().filter(|from| *from < content.len());
        stream.write_all(head(content.len(), from, modified).as_bytes())?;
        let begin = from.unwrap_or(0);
        stream.write_all(&content[begin..content.len().min(begin + count)])?;
        std::thread::sleep(pause);
        Ok(After::Close)
    })
}

/// The first request meets one script, all later ones another.
pub fn first_then(first: Script, later: Script) -> Script {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    script(move |request, stream| match asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => first(request, stream),
        _ => later(request, stream),
    })
}

/// Exactly these bytes, then the connection closes.
pub fn raw(bytes: impl Into<Vec<u8>>) -> Script {
    let bytes = bytes.into();
    script(move |_, stream| stream.write_all(&bytes).map(|()| After::Close))
}

/// An answer without content.
pub fn status(line: &str) -> Script {
    let line = format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n");
    script(move |_, stream| stream.write_all(line.as_bytes()).map(|()| After::GoOn))
}

/// A head, then a byte of `x` at a time, for ever.
pub fn drips(head: &str, pause: Duration) -> Script {
    let head = head.to_owned();
    script(move |_, stream| {
        stream.write_all(head.as_bytes())?;
        loop {
            stream.write_all(b"x")?;
            std::thread::sleep(pause);
        }
    })
}

/// A head, then as much as the other side takes, for ever.
pub fn endless(head: &str) -> Script {
    let head = head.to_owned();
    script(move |_, stream| {
        stream.write_all(head.as_bytes())?;
        loop {
            stream.write_all(&[b'x'; 64 * 1024])?;
        }
    })
}

/// Python's head, odd Content-Disposition included.
fn head(length: usize, from: Option<usize>, modified: &str) -> String {
    let (status, range) = match from {
        Some(from) => ("206 Partial Content", format!("Content-Range: bytes {from}-{}/{length}\r\n", length - 1)),
        None => ("200 OK", String::new()),
    };
    let rest = length - from.unwrap_or(0);
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nServer: CherryPy/18.10.0\r\nLast-Modified: {modified}\r\n\
         Content-Disposition: True; filename=\"x\"\r\nAccept-Ranges: bytes\r\n{range}Content-Length: {rest}\r\n\r\n"
    )
}
