//! The web chat, outbound: a message is in the store already; open pages are told that
//! it is there. Sending it twice shows it once, since pages read it by its place.

use async_trait::async_trait;

use crate::ports::{Chat, SendError, Store};
use crate::store::records::{ConversationRow, Draft, MessageRow};
use crate::store::{Live, LiveKind};

pub struct WebChat {
    pub store: Store,
}

#[async_trait]
impl Chat for WebChat {
    async fn deliver(
        &self,
        conversation: &ConversationRow,
        message: &MessageRow,
        _again: bool,
        _draft: Option<&Draft>,
    ) -> Result<Option<String>, SendError> {
        let live = Live {
            conversation_id: conversation.id.clone(),
            kind: LiveKind::Message { seq: message.seq },
        };
        self.store.publish_live(&live);
        Ok(None)
    }
}
