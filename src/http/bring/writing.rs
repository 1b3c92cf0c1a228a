//! From a connection to the disk: while one buffer is being written, the next one fills.

use std::time::{Instant, SystemTime};

use http_body_util::BodyExt as _;
use tokio::task::JoinHandle;

use super::incoming::Incoming;
use crate::bandwidth::Bandwidth;
use crate::loot::deliveries::{DeliveryError, Receipt, Writer};

/// Each step is a visit to another thread: not too small. Two of them are what a delivery costs.
const BUFFER_BYTES: usize = 256 * 1024;

/// A writer at work on another thread.
type Step = JoinHandle<(Writer, Result<(), DeliveryError>)>;

/// One delivery, being written.
#[derive(Debug)]
pub(super) struct Pipe {
    /// Here, or at work.
    writer: Option<Writer>,
    step: Option<Step>,
    buffer: Vec<u8>,
    bandwidth: Bandwidth,
}

impl Pipe {
    pub(super) fn new(writer: Writer, bandwidth: Bandwidth) -> Self {
        Self { writer: Some(writer), step: None, buffer: Vec::new(), bandwidth }
    }

    /// Takes on what came, when the limit lets it.
    pub(super) async fn push(&mut self, bytes: &[u8]) -> Result<(), DeliveryError> {
        self.bandwidth.grant(bytes.len()).await;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Writes what waits. The writer comes back, however it went.
    pub(super) async fn end(mut self) -> (Option<Writer>, Result<(), DeliveryError>) {
        let flushed = self.flush().await;
        let settled = self.settle().await;
        (self.writer.take(), flushed.and(settled))
    }

    async fn flush(&mut self) -> Result<(), DeliveryError> {
        self.settle().await?;
        if self.buffer.is_empty() {
            return Ok(());
        }
        let Some(mut writer) = self.writer.take() else { return Err(DeliveryError::Broken) };
        let buffer = std::mem::take(&mut self.buffer);
        self.step = Some(tokio::task::spawn_blocking(move || {
            let appended = writer.append(&buffer);
            (writer, appended)
        }));
        Ok(())
    }

    async fn settle(&mut self) -> Result<(), DeliveryError> {
        let Some(step) = self.step.take() else { return Ok(()) };
        let Ok((writer, appended)) = step.await else { return Err(DeliveryError::Broken) };
        self.writer = Some(writer);
        if appended.is_err() {
            // What waits follows bytes that are not there: it would stand in their place.
            self.buffer.clear();
        }
        appended
    }
}

/// Writes a whole body as it comes. What came before a break is written too. The writer comes back
/// with how it went.
pub(super) async fn write(
    mut incoming: Incoming,
    writer: Writer,
    bandwidth: Bandwidth,
) -> (Option<Writer>, Result<(), DeliveryError>) {
    let pulse = writer.pulse();
    let mut pipe = Pipe::new(writer, bandwidth);
    let came = loop {
        let frame = tokio::select! {
            frame = incoming.frame() => frame,
            () = pulse.wanted() => break Err(DeliveryError::Broken),
        };
        let bytes = match frame {
            None => break Ok(()),
            Some(Err(_)) => break Err(DeliveryError::Broken),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        pulse.moved(Instant::now());
        if let Err(error) = pipe.push(&bytes).await {
            break Err(error);
        }
    };
    let (writer, written) = pipe.end().await;
    (writer, came.and(written))
}

/// Puts a whole one under its name, on a thread of its own.
pub(super) async fn finish(writer: Writer) -> Result<Receipt, DeliveryError> {
    let finished = tokio::task::spawn_blocking(move || writer.finish(SystemTime::now())).await;
    finished.map_err(|_| DeliveryError::Broken).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loot::deliveries::tests::Room;
    use crate::loot::deliveries::{BringLimits, Place};

    #[tokio::test]
    async fn what_follows_bytes_that_could_not_be_written_does_not_take_their_place() {
        let room = Room::new(BringLimits::default());
        let id = room.begin(Place::Loot, "a", BUFFER_BYTES as u64 + 9).unwrap();
        let writer = room.deliveries.take(id, 0, Instant::now()).unwrap();
        let mut pipe = Pipe::new(writer, Bandwidth::default());
        pipe.push(&[1; BUFFER_BYTES + 10]).await.unwrap();
        assert!(matches!(pipe.push(&[2; BUFFER_BYTES]).await, Err(DeliveryError::TooMuch)));
        drop(pipe.end().await);
        assert_eq!(room.deliveries.progress(id).unwrap().received_bytes, 0);
    }
}
