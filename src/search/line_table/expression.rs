//! What a regular expression tells before a table is made of it.

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// A literal of so many bytes with which all that matches begins, or one of not too many of them, is
/// found sooner than all is read.
const LITERAL_BYTES: usize = 2;
const LITERALS_MAX: usize = 64;

/// Whether the matcher of lines finds what may match by a literal, which is faster than any table.
pub(super) fn begins_with_a_literal(expression: &Hir) -> bool {
    let mut literals = Extractor::new().kind(ExtractKind::Prefix).extract(expression);
    // Of each spelling of a longer one the beginning is looked for.
    literals.keep_first_bytes(LITERAL_BYTES);
    literals.dedup();
    literals.literals().is_some_and(|literals| {
        literals.len() <= LITERALS_MAX && literals.iter().all(|literal| literal.len() >= LITERAL_BYTES)
    })
}

/// The same expression for single lines of letters up to one: what holds others never matches.
pub(super) fn within_line(expression: &Hir, last: char) -> Hir {
    let all = |of: &[Hir]| of.iter().map(|of| within_line(of, last)).collect();
    match expression.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.intersect(&ClassUnicode::new([
                ClassUnicodeRange::new('\0', '\t'),
                ClassUnicodeRange::new('\x0b', last),
            ]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.clone();
            let last = u8::try_from(last).unwrap_or(u8::MAX);
            class.intersect(&ClassBytes::new([ClassBytesRange::new(0, b'\t'), ClassBytesRange::new(0x0b, last)]));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Repetition(repetition) => Hir::repetition(repetition.with(within_line(&repetition.sub, last))),
        HirKind::Capture(capture) => within_line(&capture.sub, last),
        HirKind::Concat(of) => Hir::concat(all(of)),
        HirKind::Alternation(of) => Hir::alternation(all(of)),
    }
}
