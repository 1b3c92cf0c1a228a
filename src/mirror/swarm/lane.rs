//! A lane: one connection to one holder, which asks for pieces one answer after another. Each
//! holder gets two, so that the next request waits at the holder while an answer comes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::crew::Crew;
use super::{Ask, SourceId};
use crate::fetch::FetchError;
use crate::fetch::client::{Connection, Dialling};
use crate::fetch::pieces::{Asked, PieceReader, ask_pieces};
use crate::mirror::job::connect;
use crate::wire::DisplayText;

/// A holder without time is asked again after this.
const BUSY_PAUSE: Duration = Duration::from_millis(200);
/// So often in a row; then it counts as not answering.
const BUSY_MAX: u32 = 50;

/// One lane.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) crew: Arc<Crew>,
    pub(super) uuid: Uuid,
    pub(super) name: DisplayText,
    pub(super) id: SourceId,
    pub(super) number: u8,
}

impl Lane {
    /// Asks what it is told to, until the holder is let go. It connects when there is something.
    pub(super) async fn run(
        self,
        mut asks: mpsc::Receiver<Ask>,
        services: &[SocketAddr],
        dialling: &Dialling,
    ) -> Result<(), FetchError> {
        let (mut kept, mut busy) = (None, 0_u32);
        while let Some(ask) = asks.recv().await {
            let was_used = kept.is_some();
            let connection = match &mut kept {
                Some(connection) => connection,
                None => kept.insert(connect(services, dialling).await?),
            };
            match self.request(connection, was_used, ask).await {
                Ok(()) => busy = 0,
                Err(FetchError::Status(StatusCode::SERVICE_UNAVAILABLE)) if busy < BUSY_MAX => {
                    busy = busy.saturating_add(1);
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
            self.crew.ended(self.id, self.number);
        }
        Ok(())
    }

    async fn request(&self, connection: &mut Connection, was_used: bool, ask: Ask) -> Result<(), FetchError> {
        connection.renew().await?;
        let (asked, is_choice) = match ask {
            Ask::AnyOf { wanted, most } => (Asked::AnyOf(wanted, most), true),
            Ask::Run(run) => (Asked::Run(run), false),
        };
        let (content, size_bytes) = (self.crew.content(), self.crew.size_bytes());
        let answer = match ask_pieces(connection, content, size_bytes, &asked).await {
            // A connection that rested may have been closed in this very moment.
            Err(FetchError::Broken(_)) if was_used => {
                connection.renew().await?;
                ask_pieces(connection, content, size_bytes, &asked).await?
            }
            answer => answer?,
        };
        if is_choice && !self.crew.picker().begun(self.id, self.number, answer.run(), Instant::now()) {
            return Err(FetchError::OtherPieces);
        }
        self.receive(answer).await
    }

    /// While one piece is verified and written, the next one comes. What is written counts at once,
    /// however long the next one takes.
    async fn receive(&self, mut answer: PieceReader) -> Result<(), FetchError> {
        let heard = || self.crew.heard(self);
        let mut writing: Option<Writing> = None;
        loop {
            let next = match writing.take() {
                None => answer.next(heard).await,
                Some(writing) => {
                    let (written, next) = tokio::join!(self.written(writing), answer.next(heard));
                    written?;
                    next
                }
            };
            match next? {
                Some((piece, bytes)) => writing = Some(self.write(piece, bytes)),
                None => return Ok(()),
            }
        }
    }

    fn write(&self, piece: u64, bytes: Bytes) -> Writing {
        let (pieces, length) = (self.crew.pieces().clone(), bytes.len() as u64);
        Writing { piece, length, done: tokio::task::spawn_blocking(move || pieces.write(piece, &bytes)) }
    }

    async fn written(&self, writing: Writing) -> Result<(), FetchError> {
        let is_right = writing.done.await.map_err(std::io::Error::other)??;
        if !is_right {
            return Err(FetchError::WrongPiece);
        }
        self.crew.came(self, writing.piece, writing.length);
        Ok(())
    }
}

/// A piece that is being verified and written.
struct Writing {
    piece: u64,
    length: u64,
    done: JoinHandle<std::io::Result<bool>>,
}
