//! What a person wants to know at once, on standard output: what is shared, and where to open it, as
//! text and as a QR code for the phones in the room.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use super::with_port;
use crate::config::Config;
use crate::http::App;
use crate::http::join::addresses;
use crate::qr::Qr;
use crate::wire::url;

/// Lines beside the code: all of it should be seen at once, on a terminal of 24 lines too.
const LINES_BESIDE: usize = 8;

/// Says it, unless whoever runs the node wants to hear nothing.
pub(super) fn say_where(app: &App, config: &Config, shared: &Path, quiet: bool) {
    let mut text = if quiet { String::new() } else { addresses_text(app, config, shared) };
    if let Some(qr) = best_origin(app).filter(|_| config.qr != Some(false)).and_then(|origin| Qr::of(&origin)) {
        let is_asked = config.qr == Some(true);
        if is_asked || (!quiet && has_room(&qr)) {
            let in_colour = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            text.push_str(&format!("\n{}", qr.blocks(in_colour)));
        }
    }
    if config.operator_token {
        // Even when quiet: nobody could be the operator without it.
        let port = config.discovery.port;
        let local = config.discovery.bind.first();
        let local = local.map_or(SocketAddr::from(([127, 0, 0, 1], port)), |bound| with_port(*bound, port));
        let origin = url::origin(local, None);
        text.push_str(&format!("\nThe operator's page:\n  {origin}/operator?token={}\n", app.rank.token()));
    }
    if !quiet {
        text.push_str("\nCtrl-C ends it.\n");
    }
    // Nobody reads: not a reason to end.
    let _ = io::stdout().lock().write_all(text.as_bytes());
}

fn best_origin(app: &App) -> Option<String> {
    addresses(app).first().map(|ip| format!("{}/", url::origin(SocketAddr::new(*ip, app.port), None)))
}

/// Whether standard output is a terminal that shows all of the code.
fn has_room(qr: &Qr) -> bool {
    let Some(size) = rustix::termios::tcgetwinsize(io::stdout()).ok().filter(|_| io::stdout().is_terminal()) else {
        return false;
    };
    usize::from(size.ws_col) >= qr.columns().saturating_add(2)
        && usize::from(size.ws_row) >= qr.lines().saturating_add(LINES_BESIDE)
}

fn addresses_text(app: &App, config: &Config, shared: &Path) -> String {
    let mut text = format!("{} shares {}\n", app.name, shared.display());
    if config.mirror.is_some() {
        text.push_str("and copies what neighbours have (opportunistic mode)\n");
    }
    if app.deliveries.inbox().is_open() {
        text.push_str("and takes files of others into its inbox (/bring)\n");
    }
    text.push_str("\nOpen in a browser:\n");
    let all = addresses(app).into_iter().map(|ip| SocketAddr::new(ip, app.port));
    // Bound to addresses, it is nowhere else; the others come with the one for whoever sits here.
    let here = SocketAddr::from(([127, 0, 0, 1], app.port));
    for address in all.chain(config.discovery.bind.is_empty().then_some(here)) {
        text.push_str(&format!("  {}/\n", url::origin(address, None)));
    }
    if let Some(port) = app.napster.directory_port {
        text.push_str(&format!("\nNapster peers log in on port {port}.\n"));
    }
    text
}
