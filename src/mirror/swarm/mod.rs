//! One content from many holders at once, and to many takers (`docs/PROTOCOL.md`, section 6).
//!
//! Who downloads asks every holder for pieces. A **complete holder** had all of them when it was
//! met; a **partial holder** downloads too, and tells which pieces it has verified. The room is
//! done soonest when each piece leaves the first holder once and the takers pass it on, so:
//!
//! - of a complete holder a taker wants any piece that no partial holder can give, and the holder
//!   chooses the one it handed out least often ([`Handouts`]);
//! - of a partial holder it asks the piece that fewest hold ([`Picker`]).
//!
//! Both are knowledge: the time is passed in, the dice are seeded, and nothing here waits.
//! `docs/SCALE.md` tells what they reach in rooms of up to a thousand.

mod crew;
pub mod download;
pub mod handouts;
mod lane;
mod lanes;
pub mod picker;
mod sources;

pub use self::handouts::Handouts;
pub use self::picker::{Ask, Holds, Picker, SourceId};
