//! The edit between two indexes of which nobody knows how one came of the other: one pass over both.

use super::Edit;
use crate::wire::Index;

impl Edit {
    /// What became of `before` to make `after`.
    #[must_use]
    pub fn between(before: &Index, after: &Index) -> Self {
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        let mut olds = (0_u32..).zip(before.names()).peekable();
        for (position, name) in (0_u32..).zip(after.names()) {
            while let Some((old, _)) = olds.next_if(|(_, old)| *old < name) {
                gone.push(old);
            }
            match olds.next_if(|(_, old)| *old == name) {
                Some((old, _)) if before.size_at(old as usize) == after.size_at(position as usize) => {}
                Some((old, _)) => {
                    gone.push(old);
                    new.push(position);
                }
                None => new.push(position),
            }
        }
        gone.extend(olds.map(|(old, _)| old));
        let stayed = before.len().saturating_sub(gone.len());
        Self { gone: gone.into(), new: new.into(), stayed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_one_that_making_the_other_tells(
            before in proptest::collection::btree_map("[a-e]{1,2}", 0..3_u64, 0..20),
            after in proptest::collection::btree_map("[a-e]{1,2}", 0..3_u64, 0..20),
        ) {
            let index = Index::from_sorted(before.iter().map(|(name, size)| (name.as_str(), *size)));
            let mut changes: std::collections::BTreeMap<&str, Option<u64>> =
                before.keys().map(|name| (name.as_str(), None)).collect();
            changes.extend(after.iter().map(|(name, size)| (name.as_str(), Some(*size))));
            let (edited, edit) = index.edited(changes);
            prop_assert_eq!(Edit::between(&index, &edited), edit);
        }
    }
}
