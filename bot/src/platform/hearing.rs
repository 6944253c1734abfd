//! The rules of conduct, the same on every platform: what is the bot's business, when it
//! answers, when it leaves the word to people, and how what was said gets in.

use firstline_core::chat::{ConversationKey, Person, RemoteFile, Restraint, Setting};
use firstline_core::words;

use crate::accept::{self, AcceptError, Arrival};
use crate::app::App;
use crate::config::Mode;
use crate::store::conversation_id;
use crate::store::records::{Author, ConversationRow};
use crate::telemetry::metric;

/// Messages of a thread looked through for one of the bot's.
const TURNS: i64 = 50;

/// Something was said; who said it is asked only if it concerns the bot.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) place: ConversationKey,
    /// Between one person and the bot.
    pub(super) direct: bool,
    /// The bot is named in it.
    pub(super) mention: bool,
    /// It goes on in a thread that somebody else began, or the bot did.
    pub(super) in_thread: bool,
    /// People of other organisations read along.
    pub(super) outsiders: bool,
    /// Tells it from all others of its platform and tenant.
    pub(super) event_id: String,
}

/// What the bot does with something said.
#[derive(Debug, PartialEq)]
pub(super) enum Ear {
    /// It is none of its business.
    Deaf,
    /// It listens: in a conversation it knows, or a new one.
    Open(Option<Box<ConversationRow>>),
}

/// Whether this may be the bot's business, without asking whether it knows the conversation.
pub(super) fn may_concern(app: &App, heard: &Heard) -> bool {
    concerns(heard, mode(app, &heard.place), heard.in_thread)
}

/// Whether this is the bot's business.
pub(super) async fn listen(app: &App, heard: &Heard) -> anyhow::Result<Ear> {
    let place = &heard.place;
    let known = match heard.in_thread {
        true => app.store.conversation_by_key(place).await?,
        false => None,
    };
    if !concerns(heard, mode(app, place), known.is_some()) {
        pass_over(place.platform.as_str(), "not for the bot");
        return Ok(Ear::Deaf);
    }
    Ok(Ear::Open(known.map(Box::new)))
}

/// Yields to a person who has replied; `false` when the bot is to say nothing.
pub(super) async fn may_speak(
    app: &App,
    heard: &Heard,
    known: Option<&ConversationRow>,
    from: &Person,
) -> anyhow::Result<bool> {
    let Some(known) = known else { return Ok(true) };
    match conduct(heard, known, from) {
        Conduct::Answer => {}
        Conduct::Resume => _ = app.store.hand_over(&known.id, false).await?,
        Conduct::Yield => _ = app.store.hand_over(&known.id, true).await?,
    }
    Ok(conduct(heard, known, from) != Conduct::Yield)
}

/// Takes up what was said; a sentence when it is refused aloud. An error: it could not be kept.
pub(super) async fn take_up(
    app: &App,
    heard: &Heard,
    from: Person,
    text: String,
    files: Vec<RemoteFile>,
) -> anyhow::Result<Option<String>> {
    let language = from.language().to_owned();
    // Who only calls the bot wants to know what it can do.
    let only_calls = text.trim().is_empty() && files.is_empty();
    let arrival = Arrival {
        conversation: heard.place.clone(),
        setting: if heard.direct { Setting::Direct } else { Setting::Channel },
        outsiders: heard.outsiders,
        from,
        text: if only_calls { "help".to_owned() } else { text },
        files,
        event_id: heard.event_id.clone(),
    };
    let restraint = restraint(heard, mode(app, &heard.place));
    match accept::overheard(app, arrival, restraint).await {
        Ok(_) => Ok(None),
        Err(AcceptError::Unavailable(cause)) => Err(cause),
        Err(refusal) if restraint.is_some() && !takes_part(app, heard).await? => {
            tracing::debug!(%refusal, "something overheard is not taken up");
            Ok(None)
        }
        Err(AcceptError::Binary) => Ok(Some(words::binary(&language).text)),
        Err(refusal) => Ok(Some(refusal.to_string())),
    }
}

/// Counts what is not for the bot.
pub(super) fn pass_over(platform: &'static str, kind: &str) {
    metrics::counter!(metric::EVENTS_PASSED_OVER, "platform" => platform).increment(1);
    tracing::debug!(platform, kind, "an event was passed over");
}

/// Whether somebody surely waits for an answer to this: what was never read may as well belong to
/// a thread of others.
pub(super) fn is_waited_for(app: &App, heard: &Heard) -> bool {
    let mode = mode(app, &heard.place);
    concerns(heard, mode, false) && restraint(heard, mode).is_none()
}

fn mode(app: &App, place: &ConversationKey) -> Option<Mode> {
    app.config.channel(place.platform.as_str(), &place.channel).map(|c| c.mode)
}

/// Whether the bot has spoken lately in the thread this belongs to.
async fn takes_part(app: &App, heard: &Heard) -> anyhow::Result<bool> {
    let turns = app.store.thread_turns(&conversation_id(&heard.place), TURNS).await?;
    Ok(turns.iter().any(|turn| turn.author == Author::Bot))
}

fn concerns(heard: &Heard, mode: Option<Mode>, known: bool) -> bool {
    if mode == Some(Mode::Off) {
        return false;
    }
    heard.direct || heard.mention || known || (!heard.in_thread && mode.is_some())
}

/// What the channel's mode asks of a reply that nobody called for.
fn restraint(heard: &Heard, mode: Option<Mode>) -> Option<Restraint> {
    if heard.direct || heard.mention {
        return None;
    }
    match mode? {
        Mode::Suggest => Some(Restraint::Suggest),
        Mode::Watch => Some(Restraint::Watch),
        Mode::Act | Mode::Off => None,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Conduct {
    Answer,
    /// Named again after it had yielded.
    Resume,
    /// Somebody else has replied: the bot does not talk over them.
    Yield,
}

fn conduct(heard: &Heard, known: &ConversationRow, from: &Person) -> Conduct {
    if heard.mention && known.handed_over {
        Conduct::Resume
    } else if !heard.mention && !heard.direct && known.requester != from.email {
        Conduct::Yield
    } else {
        Conduct::Answer
    }
}

#[cfg(test)]
mod tests {
    use firstline_core::chat::Platform;

    use super::*;

    fn heard(direct: bool, mention: bool, in_thread: bool) -> Heard {
        let place = ConversationKey {
            platform: Platform::Slack,
            tenant: "T1".into(),
            channel: "C1".into(),
            thread: "1.0".into(),
        };
        Heard { place, direct, mention, in_thread, outsiders: false, event_id: "e".into() }
    }

    #[test]
    fn the_bot_minds_its_own_business() {
        for (direct, mention, in_thread, mode, known, minds) in [
            (true, false, false, None, false, true),
            (true, false, true, None, false, true),
            (false, false, false, None, false, false),
            (false, true, false, None, false, true),
            (false, true, true, None, false, true),
            (false, false, true, None, true, true),
            (false, false, true, None, false, false),
            (false, false, false, Some(Mode::Act), false, true),
            (false, false, true, Some(Mode::Act), false, false),
            (false, false, false, Some(Mode::Watch), false, true),
            (false, false, false, Some(Mode::Suggest), false, true),
            (false, false, true, Some(Mode::Suggest), false, false),
            (false, false, true, Some(Mode::Watch), true, true),
            (false, true, false, Some(Mode::Watch), false, true),
            (false, true, false, Some(Mode::Off), false, false),
            (false, false, true, Some(Mode::Off), true, false),
        ] {
            let heard = heard(direct, mention, in_thread);
            assert_eq!(concerns(&heard, mode, known), minds, "{heard:?} {mode:?} {known}");
        }
    }

    #[test]
    fn it_holds_back_where_it_is_only_to_suggest_or_watch() {
        use Restraint::{Suggest, Watch};
        for (direct, mention, mode, restrained) in [
            (false, false, None, None),
            (false, false, Some(Mode::Act), None),
            (false, false, Some(Mode::Suggest), Some(Suggest)),
            (false, false, Some(Mode::Watch), Some(Watch)),
            (false, true, Some(Mode::Suggest), None),
            (false, true, Some(Mode::Watch), None),
            (true, false, Some(Mode::Watch), None),
        ] {
            let heard = heard(direct, mention, false);
            assert_eq!(restraint(&heard, mode), restrained, "{heard:?} {mode:?}");
        }
    }

    #[test]
    fn it_does_not_talk_over_people() {
        let known = |handed_over: bool| ConversationRow {
            id: "c".into(),
            platform: Platform::Slack,
            tenant: "T1".into(),
            channel: "C1".into(),
            thread: "1.0".into(),
            setting: Setting::Channel,
            requester: "ana@example.com".into(),
            title: String::new(),
            handed_over,
            created_at: 0,
            updated_at: 0,
        };
        let from =
            |email: &str| Person { email: email.into(), name: "N".into(), ..Person::default() };
        for (direct, mention, handed_over, who, does) in [
            (false, false, false, "ana@example.com", Conduct::Answer),
            (false, false, true, "ana@example.com", Conduct::Answer),
            (false, false, false, "ben@example.com", Conduct::Yield),
            (false, true, false, "ben@example.com", Conduct::Answer),
            (false, true, true, "ben@example.com", Conduct::Resume),
            (true, false, false, "ana@example.com", Conduct::Answer),
        ] {
            let heard = heard(direct, mention, true);
            let done = conduct(&heard, &known(handed_over), &from(who));
            assert_eq!(done, does, "{heard:?} {handed_over} {who}");
        }
    }
}
