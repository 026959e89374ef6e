//! A fake Stripe that outlives its process: whatever it is asked is written down before it is done, and done again by
//! whoever comes after.
//!
//! Its account lives in virtual time, which passes only up to the instants that were written down. So the same requests
//! make the same account, ids, faults and all, and nothing but requests has to be remembered.
//! Invariant: nothing is done that was not written down, in the one order that everybody follows; whoever is behind catches
//! up first.

mod account;
mod memory;
#[cfg(test)]
mod tests;

pub use account::{Answered, Asked};
pub use memory::{InTable, Memory, MemoryError, Noted};

use account::Account;

/// A fake Stripe with a memory.
pub struct Lasting<M> {
    memory: M,
    key: String,
    /// Made at the instant of the first request.
    account: Option<Account>,
    /// Requests that were done.
    done: u64,
}

impl<M: Memory> Lasting<M> {
    /// The account that this memory remembers, for whoever has this key.
    #[must_use]
    pub fn new(memory: M, key: impl Into<String>) -> Self {
        Self { memory, key: key.into(), account: None, done: 0 }
    }

    /// Answers a request; `id` is its own, also when it is sent again by whoever could not tell that it was written down.
    ///
    /// # Errors
    /// When it could not be written down. Then it is not done, unless somebody who comes after finds it written.
    pub async fn answer(&mut self, id: &str, asked: &Asked) -> Result<Answered, MemoryError> {
        loop {
            match self.memory.note(self.done + 1, id, asked).await? {
                Noted::Ours => return self.perform(asked).await,
                Noted::Anothers => self.catch_up().await?,
            }
        }
    }

    /// Does what was written down meanwhile.
    async fn catch_up(&mut self) -> Result<(), MemoryError> {
        for asked in self.memory.behind(self.done).await? {
            self.perform(&asked).await?;
        }
        Ok(())
    }

    async fn perform(&mut self, asked: &Asked) -> Result<Answered, MemoryError> {
        let Self { account, key, done, .. } = self;
        let account = match account {
            Some(account) => account,
            None => account.insert(Account::begin(key.clone(), asked.at)?),
        };
        *done += 1;
        account.ask(asked.clone()).await
    }
}
