//! UDP sockets that tell by which interface a datagram came, and send by a chosen one.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsRawFd as _;

use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::Interest;

/// Larger datagrams are no announcements; they are cut here and dropped.
pub const DATAGRAM_MAX_BYTES: usize = 2_048;
/// All nodes of a link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// A UDP socket.
#[derive(Debug)]
pub struct DatagramSocket {
    socket: tokio::net::UdpSocket,
}

/// A datagram that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes in the buffer.
    pub len: usize,
    /// It was longer than the buffer.
    pub is_cut: bool,
    /// Where it came from, with scope.
    pub source: SocketAddr,
    /// The interface that received it.
    pub interface: Option<u32>,
    /// It was sent to us alone, not to everybody on the link.
    pub is_unicast: bool,
}

impl DatagramSocket {
    /// Binds `address`. Several nodes of one machine may share a broadcast address; an IPv6 one
    /// takes IPv6 only. Call it inside a runtime.
    ///
    /// # Errors
    /// When the address is taken or not ours.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
            socket.set_multicast_loop_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        } else {
            socket.set_broadcast(true)?;
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        }
        socket.bind(&address.into())?;
        Ok(Self { socket: tokio::net::UdpSocket::from_std(socket.into())? })
    }

    /// Joins `ff02::1` on an interface. That it is joined already is no error.
    pub fn join_all_nodes(&self, interface: u32) {
        let _ = self.socket.join_multicast_v6(&ALL_NODES, interface);
    }

    /// Waits for a datagram.
    ///
    /// # Errors
    /// What the system reports; some are of earlier sends and pass.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        self.socket.async_io(Interest::READABLE, || self.receive_now(buffer)).await
    }

    fn receive_now(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let mut control = nix::cmsg_space!(libc::in_pktinfo, libc::in6_pktinfo);
        let mut slices = [IoSliceMut::new(buffer)];
        let message =
            recvmsg::<SockaddrStorage>(self.socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::empty())?;
        let source = message.address.and_then(|address| socket_address(&address));
        let about = message.cmsgs()?.find_map(|control| match control {
            // The address it was sent to, and that of ours which took it: a broadcast has two.
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                Some((u32::try_from(info.ipi_ifindex).ok()?, info.ipi_addr.s_addr == info.ipi_spec_dst.s_addr))
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                Some((info.ipi6_ifindex, !Ipv6Addr::from(info.ipi6_addr.s6_addr).is_multicast()))
            }
            _ => None,
        });
        Ok(Received {
            len: message.bytes,
            is_cut: message.flags.contains(MsgFlags::MSG_TRUNC),
            source: source.ok_or_else(|| io::Error::other("a datagram without a source"))?,
            interface: about.map(|(interface, _)| interface),
            is_unicast: about.is_some_and(|(_, is_unicast)| is_unicast),
        })
    }

    /// Sends a datagram; with `by`, by that interface and from that address of ours.
    ///
    /// # Errors
    /// No route, the interface went down, a full queue: the next round tries again.
    pub fn send(&self, datagram: &[u8], to: SocketAddr, by: Option<(u32, Ipv4Addr)>) -> io::Result<()> {
        let sent = match (to, by) {
            (SocketAddr::V4(to), Some((interface, from))) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: i32::try_from(interface).map_err(io::Error::other)?,
                    ipi_spec_dst: libc::in_addr { s_addr: u32::from_ne_bytes(from.octets()) },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                let control = [ControlMessage::Ipv4PacketInfo(&info)];
                let address = SockaddrIn::from(to);
                sendmsg(
                    self.socket.as_raw_fd(),
                    &[IoSlice::new(datagram)],
                    &control,
                    MsgFlags::empty(),
                    Some(&address),
                )?
            }
            // Not tokio's `try_send_to`: it waits for a readiness that the reactor has not seen yet.
            _ => SockRef::from(&self.socket).send_to(datagram, &to.into())?,
        };
        if sent == datagram.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
    }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = address.as_sockaddr_in() {
        return Some(SocketAddr::new(IpAddr::V4(v4.ip()), v4.port()));
    }
    let v6 = address.as_sockaddr_in6()?;
    if let Some(mapped) = v6.ip().to_ipv4_mapped() {
        return Some(SocketAddr::new(mapped.into(), v6.port()));
    }
    let scope = if v6.ip().is_unicast_link_local() { v6.scope_id() } else { 0 };
    Some(SocketAddrV6::new(v6.ip(), v6.port(), 0, scope).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_datagram_tells_its_source_and_interface() {
        let here = DatagramSocket::bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let address = here.socket.local_addr().unwrap();
        let there = DatagramSocket::bind("127.0.0.3:0".parse().unwrap()).unwrap();
        there.send(b"hello", address, Some((1, Ipv4Addr::new(127, 0, 0, 3)))).unwrap();
        let mut buffer = [0; DATAGRAM_MAX_BYTES];
        let received = here.receive(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..received.len], b"hello");
        assert_eq!(received.source, there.socket.local_addr().unwrap());
        assert_eq!(received.interface, Some(1));
        assert!(received.is_unicast);
        assert!(!received.is_cut);
    }

    #[tokio::test]
    async fn a_datagram_that_is_too_long_says_so() {
        let here = DatagramSocket::bind("127.0.0.2:0".parse().unwrap()).unwrap();
        here.send(&[b'x'; 60_000], here.socket.local_addr().unwrap(), None).unwrap();
        let received = here.receive(&mut [0; DATAGRAM_MAX_BYTES]).await.unwrap();
        assert!(received.is_cut);
    }
}
