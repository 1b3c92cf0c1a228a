//! What the operator asks of the engine at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::wire::LootPath;

/// Orders that wait for the engine; it takes them at its next turn.
const WAITING_MAX: usize = 256;

/// One order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Whatever failed or rests is tried now.
    RetryAll,
    /// That file is tried now, whoever has it.
    Retry(LootPath),
}

/// A queue of orders; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Orders {
    waiting: Arc<Mutex<VecDeque<Order>>>,
    given: Arc<Notify>,
}

impl Orders {
    /// Asks for it. Of very many the oldest are forgotten: they can be given again.
    pub(super) fn give(&self, order: Order) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.contains(&order) {
            if waiting.len() >= WAITING_MAX {
                waiting.pop_front();
            }
            waiting.push_back(order);
        }
        drop(waiting);
        self.given.notify_one();
    }

    /// Waits until there is one.
    pub(super) async fn given(&self) {
        self.given.notified().await;
    }

    /// All that were given, in their order.
    pub(super) fn take(&self) -> VecDeque<Order> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn orders_are_taken_in_their_order_and_each_once() {
        let orders = Orders::default();
        let path = LootPath::parse(b"a").unwrap();
        for order in [Order::Retry(path.clone()), Order::RetryAll, Order::Retry(path.clone())] {
            orders.give(order);
        }
        orders.given().await;
        assert_eq!(orders.take(), [Order::Retry(path), Order::RetryAll]);
        assert!(orders.take().is_empty());
        (0..2 * WAITING_MAX)
            .for_each(|n| orders.give(Order::Retry(LootPath::parse(format!("{n}").as_bytes()).unwrap())));
        assert_eq!(orders.take().len(), WAITING_MAX);
    }
}
