//! An address as a QR code (ISO/IEC 18004), for a page and for a terminal.

use qrcode::{Color, EcLevel, QrCode};

/// Light around the code, in modules, as the standard asks for.
const QUIET: usize = 4;
/// The same in a terminal, where room is dear; scanners are content with it.
const QUIET_IN_TERMINAL: usize = 2;

/// A QR code.
#[derive(Clone, Debug)]
pub struct Qr {
    dark: Vec<bool>,
    side: usize,
}

impl Qr {
    /// Of a text; none if it is too long for any code.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let dark = code.to_colors().into_iter().map(|colour| colour == Color::Dark).collect();
        Some(Self { dark, side: code.width() })
    }

    /// Its side with the quiet zone, for the `viewBox` of an SVG.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side.saturating_add(2 * QUIET)
    }

    /// All dark modules as one path of an SVG, a step a run.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = String::new();
        for row in 0..self.side {
            let mut column = 0;
            while column < self.side {
                let run = (column..self.side).take_while(|at| self.is_dark(row, *at)).count();
                if run > 0 {
                    let (x, y) = (column.saturating_add(QUIET), row.saturating_add(QUIET));
                    path.push_str(&format!("M{x} {y}h{run}v1h-{run}z"));
                }
                column = column.saturating_add(run.max(1));
            }
        }
        path
    }

    /// Columns that it takes in a terminal.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.side.saturating_add(2 * QUIET_IN_TERMINAL)
    }

    /// Lines that it takes in a terminal: two rows a line.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.columns().div_ceil(2)
    }

    /// For a terminal. With colours it is black on white whatever the terminal's are; without, what
    /// is light is drawn, as most terminals are dark.
    #[must_use]
    pub fn blocks(&self, in_colour: bool) -> String {
        let mut text = String::new();
        for line in 0..self.lines() {
            let (upper, lower) = (line.saturating_mul(2), line.saturating_mul(2).saturating_add(1));
            // Below the last row the terminal is as it was.
            let ground = if lower < self.columns() { "40" } else { "49" };
            text.push_str("  ");
            if in_colour {
                text.push_str(&format!("\x1b[97;{ground}m"));
            }
            for column in 0..self.columns() {
                text.push(match (self.is_light_in_terminal(upper, column), self.is_light_in_terminal(lower, column)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.push_str(if in_colour { "\x1b[0m\n" } else { "\n" });
        }
        text
    }

    /// Beyond the last row nothing is drawn.
    fn is_light_in_terminal(&self, row: usize, column: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET_IN_TERMINAL).filter(|at| *at < self.side);
        row < self.columns() && !inside(row).zip(inside(column)).is_some_and(|(row, column)| self.is_dark(row, column))
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        self.dark.get(row.saturating_mul(self.side).saturating_add(column)).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "http://192.168.1.7:12555/";

    #[test]
    fn the_three_corners_are_where_scanners_look() {
        let qr = Qr::of(ADDRESS).unwrap();
        assert_eq!((qr.side, qr.side(), qr.columns(), qr.lines()), (25, 33, 29, 15), "version 2 holds an address");
        for (row, column) in [(0, 0), (0, 18), (18, 0)] {
            for at in 0..7 {
                assert!(qr.is_dark(row, column + at) && qr.is_dark(row + at, column), "{row} {column}");
            }
            assert!(!qr.is_dark(row + 1, column + 1) && qr.is_dark(row + 3, column + 3));
        }
        assert!(Qr::of(&"x".repeat(5_000)).is_none());
    }

    #[test]
    fn the_path_draws_each_dark_module_once() {
        let qr = Qr::of(ADDRESS).unwrap();
        let mut drawn = vec![false; qr.side * qr.side];
        for step in qr.path().split('M').skip(1) {
            let (start, run) = step.split_once('h').unwrap();
            let (x, y) = start.split_once(' ').unwrap();
            let run: usize = run.split('v').next().unwrap().parse().unwrap();
            let at = (y.parse::<usize>().unwrap() - QUIET) * qr.side + x.parse::<usize>().unwrap() - QUIET;
            assert!(drawn[at..at + run].iter().all(|drawn| !drawn), "{step}");
            drawn[at..at + run].fill(true);
        }
        assert_eq!(drawn, qr.dark);
    }

    #[test]
    fn a_terminal_shows_two_rows_a_line_in_any_scheme() {
        let qr = Qr::of(ADDRESS).unwrap();
        let plain = qr.blocks(false);
        let lines: Vec<&str> = plain.lines().collect();
        assert_eq!(lines.len(), qr.lines());
        assert!(lines.iter().all(|line| line.chars().count() == qr.columns() + 2));
        assert_eq!(lines[0].trim(), "█".repeat(qr.columns()), "the quiet zone");
        assert_eq!(lines[14].trim(), "▀".repeat(qr.columns()), "half a line at the end");
        let coloured = qr.blocks(true);
        assert!(coloured.lines().all(|line| line.starts_with("  \x1b[97;4") && line.ends_with("\x1b[0m")));
        assert!(coloured.lines().last().unwrap().starts_with("  \x1b[97;49m"), "nothing below it");
    }
}
