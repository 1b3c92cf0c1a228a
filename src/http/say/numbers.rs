//! Numbers and sizes as a language writes them: Unicode CLDR, of the facts that we need.

use super::Language;

/// From here on the next unit is used.
const THOUSAND: u64 = 1_000;

/// `1,234`, `1 234`, `1.234`.
pub(super) fn grouped(language: Language, number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && digits.len().saturating_sub(position).is_multiple_of(3) {
            text.push_str(group_mark(language));
        }
        text.push(digit);
    }
    text
}

fn group_mark(language: Language) -> &'static str {
    match language {
        Language::English => ",",
        // A narrow space at which no line is broken.
        Language::French => "\u{202f}",
        Language::Italian => ".",
    }
}

fn decimal_mark(language: Language) -> &'static str {
    if language == Language::English { "." } else { "," }
}

fn units(language: Language) -> [&'static str; 7] {
    match language {
        Language::French => ["o", "ko", "Mo", "Go", "To", "Po", "Eo"],
        Language::English | Language::Italian => ["B", "kB", "MB", "GB", "TB", "PB", "EB"],
    }
}

/// `999 B`, `1.5 MB`, `340 MB`: two or three digits say enough.
pub(super) fn size(language: Language, bytes: u64) -> String {
    let (mut unit, mut divisor) = (0_usize, 1_u64);
    let units = units(language);
    // What would be rounded to a thousand is one of the next unit.
    while unit.saturating_add(1) < units.len() && rounded(bytes, divisor).0 >= THOUSAND {
        unit = unit.saturating_add(1);
        divisor = divisor.saturating_mul(THOUSAND);
    }
    let (whole, tenths) = rounded(bytes, divisor);
    let name = units.get(unit).copied().unwrap_or_default();
    let fraction = if tenths == 0 { String::new() } else { format!("{}{tenths}", decimal_mark(language)) };
    format!("{whole}{fraction}\u{a0}{name}")
}

/// So many of these, and tenths below a hundred.
fn rounded(bytes: u64, divisor: u64) -> (u64, u64) {
    if divisor == 1 {
        return (bytes, 0);
    }
    let (bytes, divisor) = (u128::from(bytes), u128::from(divisor));
    let half = divisor / 2;
    let tenths = bytes.saturating_mul(10).saturating_add(half).checked_div(divisor).unwrap_or(0);
    let whole = bytes.saturating_add(half).checked_div(divisor).unwrap_or(0);
    let (whole, tenths) = if tenths < 1_000 { (tenths / 10, tenths % 10) } else { (whole, 0) };
    (u64::try_from(whole).unwrap_or(u64::MAX), u64::try_from(tenths).unwrap_or(0))
}
