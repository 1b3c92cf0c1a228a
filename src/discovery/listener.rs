//! The listener: takes announcements in. It never blocks and never fetches; a bad datagram is one
//! debug line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::announcer::Answers;
use super::interfaces::Interfaces;
use super::segment::{Origin, Segment};
use super::socket::{DATAGRAM_MAX_BYTES, DatagramSocket, Received};
use super::stats::Stats;
use crate::neighbours::{Event, Heard, Neighbourhood};
use crate::wire::Announcement;

/// A second node with our uuid is said once an hour.
const WARN_EVERY: Duration = Duration::from_secs(3600);
/// After an error of the socket, a pause: it could return at once for ever.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Hears on one socket.
#[derive(Debug)]
pub struct Listener {
    /// Where datagrams come in.
    pub socket: Arc<DatagramSocket>,
    /// The port we serve on, and so does who is heard.
    pub port: u16,
    /// Whose announcements count.
    pub segment: Arc<Segment>,
    /// To name the interface, and to know what is on its link.
    pub interfaces: Interfaces,
    /// Who takes note.
    pub neighbourhood: Neighbourhood,
    /// Who answers new neighbours.
    pub answers: Answers,
    /// What came in.
    pub stats: Arc<Stats>,
}

impl Listener {
    /// Listens until the task is dropped.
    pub async fn run(self) {
        let mut buffer = [0_u8; DATAGRAM_MAX_BYTES];
        let mut warned: Option<Instant> = None;
        loop {
            let received = match self.socket.receive(&mut buffer).await {
                Ok(received) => received,
                Err(error) => {
                    tracing::debug!(%error, "no datagram");
                    tokio::time::sleep(ERROR_PAUSE).await;
                    continue;
                }
            };
            let datagram = buffer.get(..received.len).unwrap_or_default();
            if self.take(datagram, &received) == Some(Event::OurUuidElsewhere) {
                let due = warned.is_none_or(|at| at.elapsed() >= WARN_EVERY);
                if due {
                    tracing::warn!(from = %received.source, "another node uses our uuid: was the state folder copied?");
                    warned = Some(Instant::now());
                }
            }
        }
    }

    fn take(&self, datagram: &[u8], received: &Received) -> Option<Event> {
        let interfaces = self.interfaces.current();
        let origin = self.segment.origin(received.source, received.interface, &interfaces);
        if origin == Origin::Elsewhere {
            self.stats.note_elsewhere(received.source.ip());
            tracing::debug!(source = %received.source, "a datagram from outside the segment");
            return None;
        }
        let announcement = match Announcement::parse(datagram) {
            Ok(announcement) if !received.is_cut => announcement,
            other => {
                self.stats.note_bad();
                let why = other.err().map(|error| error.to_string());
                tracing::debug!(source = %received.source, ?why, "a datagram is dropped");
                return None;
            }
        };
        let mut service = received.source;
        service.set_port(self.port);
        let interface = received.interface.and_then(|index| interfaces.iter().find(|i| i.index == index));
        let heard = Heard {
            name: announcement.name.clone(),
            hmac: announcement.hmac,
            service,
            source_port: received.source.port(),
            interface: interface.map(|i| i.name.clone()),
            is_unicast: received.is_unicast,
        };
        let now = Instant::now();
        let event = self.neighbourhood.hear(&announcement, heard, origin == Origin::Here, now);
        self.stats.note_heard(event, interface.map(|i| &i.name), now);
        if event == Event::New {
            // Uuids cost nothing: a line at the usual levels comes when its index is read.
            tracing::debug!(name = %announcement.name, uuid = %announcement.uuid, %service, "a new neighbour");
            self.answers.answer(service);
        }
        Some(event)
    }
}
