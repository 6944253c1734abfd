//! Files that came with a request and are still where they were sent: fetched before it is
//! answered, so that the ticket has them.

use firstline_core::chat::RemoteFile;
use firstline_core::words;
use sha2::{Digest as _, Sha256};

use super::{Reaction, Said};
use crate::files::{LIMIT, clean_name, sniff};
use crate::ports::SendError;
use crate::store::records::{AttachmentRow, Author, MessageRow};
use crate::worker::JobError;

/// Tries after which an answer no longer waits for a file.
const WAITED_FOR: i64 = 3;

impl Reaction<'_> {
    /// As [`Reaction::said`], once the files are here. One that does not come is named.
    pub(super) async fn said_with_files(
        mut self,
        text: &str,
        files: &[RemoteFile],
    ) -> Result<Option<Said>, JobError> {
        let turns = self.app.store.messages(&self.conversation.id, 0, i64::MAX).await?;
        let of = turns.into_iter().find(|m| {
            m.author == Author::Requester && m.request_id.as_deref() == Some(&self.request.id)
        });
        let Some(of) = of else { return self.said(text, &[]).await };
        let mut here = Vec::new();
        let mut missing = Vec::new();
        for file in files {
            match self.fetched(file, &of).await {
                Ok(id) => here.push(id),
                Err(error @ JobError::Retry(_)) if self.leased.attempt < WAITED_FOR => {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!(%error, "a file could not be fetched");
                    missing.push(clean_name(&file.name));
                }
            }
        }
        if !missing.is_empty() {
            self.first =
                Some(words::files_missing(&missing, LIMIT / (1024 * 1024), &self.language));
        }
        self.said(text, &here).await
    }

    /// The id under which a file is kept.
    async fn fetched(&self, file: &RemoteFile, of: &MessageRow) -> Result<String, JobError> {
        let name = Sha256::digest(format!("{}:{}", of.id, file.id));
        let id = hex::encode(name)[..32].to_owned();
        if self.app.store.attachment(&id).await?.is_some() {
            return Ok(id);
        }
        let too_large = || JobError::Fail(anyhow::anyhow!("{} is too large", file.id));
        if file.size > LIMIT as u64 {
            return Err(too_large());
        }
        let bytes = self.app.chat.fetch(&self.conversation, file, LIMIT).await;
        let bytes = bytes.map_err(|error| match error {
            SendError::Wait { reason, .. } | SendError::Retry(reason) => {
                JobError::Retry(anyhow::anyhow!(reason))
            }
            SendError::Fail(reason) => JobError::Fail(anyhow::anyhow!(reason)),
        })?;
        if bytes.is_empty() || bytes.len() > LIMIT {
            return Err(too_large());
        }
        let row = AttachmentRow {
            id: id.clone(),
            name: clean_name(&file.name),
            mime: sniff(&bytes).to_owned(),
            size: bytes.len() as i64,
        };
        self.app.store.put_fetched(&row, of, &bytes, self.app.clock.now()).await?;
        Ok(id)
    }
}
