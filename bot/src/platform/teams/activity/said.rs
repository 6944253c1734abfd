//! What people write, and what they attach to it.

use serde_json::Value;

use super::super::text::{plain_to_markdown, to_markdown};
use super::{Origin, owned, text};

#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Said {
    pub(in super::super) origin: Origin,
    /// Markdown, without the bot's own name.
    pub(in super::super) text: String,
    /// The bot is named in it.
    pub(in super::super) mention: bool,
    pub(in super::super) attachments: Vec<Attachment>,
}

/// What can be fetched. Addresses are Teams' word: to be checked before anything is asked there.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Attachment {
    /// Its address works without a token, for a few minutes.
    /// <https://learn.microsoft.com/microsoftteams/platform/bots/how-to/bots-filesv4>
    File { name: String, extension: String, url: String },
    /// Pasted into the text; its address wants the bot's token.
    Image { content_type: String, url: String },
}

const FILE: &str = "application/vnd.microsoft.teams.file.download.info";

impl Said {
    pub(super) fn of(value: &Value, origin: Origin) -> Said {
        let names = names_of(value, &origin.bot);
        let is_bot = |name: &str| names.iter().any(|known| known == name.trim());
        let attachments = || value["attachments"].as_array().into_iter().flatten();
        // `text` has lost lists, links and quotes; the HTML has them all.
        let html = attachments()
            .filter(|attachment| text(attachment, "contentType") == Some("text/html"))
            .filter_map(|attachment| text(attachment, "content"))
            .map(|html| to_markdown(html, &is_bot))
            .find(|words| !words.is_empty());
        let words = || {
            let words = text(value, "text").unwrap_or_default();
            match text(value, "textFormat") {
                Some("xml") => to_markdown(words, &is_bot),
                _ => plain_to_markdown(words, &is_bot),
            }
        };
        Said {
            text: html.unwrap_or_else(words),
            mention: !names.is_empty(),
            attachments: attachments().filter_map(Attachment::of).collect(),
            origin,
        }
    }
}

/// The names the bot is mentioned by in this message.
fn names_of(value: &Value, bot: &str) -> Vec<String> {
    let entities = value["entities"].as_array().into_iter().flatten();
    let mentions = entities.filter(|entity| {
        text(entity, "type") == Some("mention") && text(&entity["mentioned"], "id") == Some(bot)
    });
    let names = mentions.flat_map(|entity| {
        let shown = text(entity, "text").map(|shown| plain_to_markdown(shown, &|_| false));
        let shown = shown.map(|shown| shown.trim_start_matches('@').to_owned());
        [Some(shown.unwrap_or_default()), owned(&entity["mentioned"], "name")]
    });
    names.flatten().map(|name| name.trim().to_owned()).collect()
}

impl Attachment {
    fn of(value: &Value) -> Option<Attachment> {
        let web = |url: &&str| url.starts_with("https://") || url.starts_with("http://");
        let content_type = text(value, "contentType")?;
        if content_type == FILE {
            let url = text(&value["content"], "downloadUrl").filter(web)?;
            return Some(Attachment::File {
                name: owned(value, "name").unwrap_or_else(|| "file".to_owned()),
                extension: owned(&value["content"], "fileType").unwrap_or_default(),
                url: url.to_owned(),
            });
        }
        let url = text(value, "contentUrl").filter(web)?;
        content_type.starts_with("image/").then(|| Attachment::Image {
            content_type: content_type.to_owned(),
            url: url.to_owned(),
        })
    }
}
