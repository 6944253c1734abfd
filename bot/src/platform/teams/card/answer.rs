//! What an invoke is answered with, in the body of its HTTP response.
//!
//! <https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/task-modules/task-modules-bots>,
//! <https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model>

use serde_json::{Value, json};

use super::CARD;

/// To a pressed button: the card that stands there from now on.
pub(in super::super) fn card_answer(card: &Value) -> Value {
    json!({ "statusCode": 200, "type": CARD, "value": card })
}

/// To a pressed button: a word to whoever pressed; the card stays.
pub(in super::super) fn message_answer(says: &str) -> Value {
    json!({ "statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": says })
}

/// To a pressed button that could not be taken up; `status` is HTTP's. The response itself is
/// a 200.
pub(in super::super) fn error_answer(status: u16, says: &str) -> Value {
    json!({
        "statusCode": status,
        "type": "application/vnd.microsoft.error",
        "value": { "code": status.to_string(), "message": says },
    })
}

/// To task/fetch, task/submit and their like in composeExtension: the dialog with this card.
pub(in super::super) fn opened(title: &str, card: &Value) -> Value {
    json!({ "task": { "type": "continue", "value": {
        "title": title,
        "height": "large",
        "width": "medium",
        "card": { "contentType": CARD, "content": card },
    } } })
}

/// To the same: the dialog says a last word.
pub(in super::super) fn dialog_message(says: &str) -> Value {
    json!({ "task": { "type": "message", "value": says } })
}

/// To task/submit and composeExtension/submitAction: the dialog closes. Feedback, too, must be
/// answered with nothing.
pub(in super::super) fn closed() -> Value {
    json!({})
}
