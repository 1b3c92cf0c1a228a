//! Connecting to a directory or a peer: from the address we are bound to, within a short time.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// On a local network an answer comes within this, or never.
const CONNECT: Duration = Duration::from_secs(3);

/// Connects to `to`, from `from` if that is of its family.
///
/// # Errors
/// Why there is no connection; `TimedOut` after three seconds.
pub async fn dial(to: SocketAddr, from: Option<IpAddr>) -> io::Result<TcpStream> {
    let connect = async {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(from) = from.filter(|from| from.is_ipv4() == to.is_ipv4()) {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    timeout(CONNECT, connect).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
